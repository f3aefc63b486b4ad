import { optionValue } from '../option-values.js'
import type { Argument } from '../words.js'
import type { CommandEffects } from './program.js'

/** Options of tools that build and check whose value is code that they run, or a file that says which code that is. */
const LOADS =
  /^-{1,2}(?:[\w.-]*plugins?|fp(?:ass-)?plugin|require\w*|imports?|import-map|preload|presets?|(?:experimental-)?loader|extends|config\w*(?:-(?:files?|path|basedir))?|[\w-]*-?config|conf|conf-?dir|\w*rc(?:-?file|-?path)?|settings|global-settings|toolchains?|init-?script|build-?(?:file|script)|settings-file|noxfile|rakefile|gemfile|makefile|justfile|bazelrc|stack-yaml|pyproject|(?:manifest|package)-path|project(?:-?(?:dir|path))?|tsconfig(?:-path)?|rootdir|setup\w*|global-?(?:setup|teardown)|(?:test-?)?environment|test-?runner|runner|reporters?|transform|resolver|formatters?|format|custom-(?:formatter|syntax)|rules?-?dir|resolve-plugins-relative-to|parser|processor-?(?:path|module-path)?|external-checks-dir|bootstrap|autoload-?(?:file|er)?|env-?file|python(?:-?executable|-?path)?|interpreter|cross-file|native-file|load|lib|servedir|incl\w*(?:-dir)?|specs|override_(?:module|repository)|inject_repository|(?:host_)?action_env|test_env|repo_env|server_javabase|credential_helper|with-requirements|(?:lua-)?filter|pdf-engine|addon|rule-file|gcov-(?:tool|executable)|app(?:-dir)?|test-adapter-path)$/i
/** Short ones, by the program. */
const SHORT: readonly (readonly [RegExp, string])[] = [
  [/^(?:eslint|stylelint)$/, '-c -f'],
  [/^(?:jest|vitest|vite|webpack|rollup|rolldown|pytest|tox|biome|golangci-lint|sphinx-build|deno)$/, '-c'],
  [/^(?:mocha|ts-node|tsx|rspec|rubocop|markdownlint|ansible-lint|spectral)$/, '-r -c'],
  [/^(?:nox|ant|mkdocs|rake)$/, '-f -lib -buildfile -r'],
  [/^gradlew?$/, '-I -b -c -g'],
  [/^(?:mvn|mvnw)$/, '-s -gs -t'],
  [/^(?:gcc|g\+\+|cc|clang|clang\+\+)$/, '-B -specs -load'],
  [/^(?:clang-tidy|clang)$/, '-load'],
  [/^cmake$/, '-C -P'],
  [/^(?:tsc|ts-node|pdm)$/, '-p -P'],
  [/^uv$/, '-p'],
  [/^cargo$/, '-f'],
  [/^pandoc$/, '-F -L -t -f'],
  [/^(?:gunicorn|tflint|bandit|alembic)$/, '-c'],
  [/^buf$/, '--template --config'],
  [/^asciidoctor$/, '-r'],
]
/** Settings whose value is run, or leads to what is. */
const SETTING =
  /^(?:-[DPXCZ])?[\w.]*(?:COMPILER\w*|LINKER\w*|LAUNCHER|TOOLCHAIN\w*|LD_PRELOAD|LD_LIBRARY_PATH|PATH|java\.home|ext\.class\.path|executable|codegen-backend)(?::\w+)?=(.+)$/i
/** What a machine of Java loads before it runs anything. */
const AGENT = /^-(?:J-)?(?:javaagent|agentpath|Xbootclasspath\/[ap]):([^=]+)/
const COMPILER = /^(?:CC|CXX|CPP|LD|AR|AS)=(.+)$/
/** They run the files that they are named. */
const RUNS =
  /^(?:pytest|jest|vitest|mocha|ava|tap|rspec|minitest|phpunit|pest|tsx|ts-node|deno|unittest|nodemon|cucumber|playwright|cypress|go|swift|dart|dotnet|zig|streamlit|uvicorn|doxygen)$/
/** What stands behind the first is handed to that. */
const RUNS_FIRST = /^(?:tsx|ts-node|nodemon|deno|go|swift|dart|dotnet|zig|streamlit|uvicorn|doxygen)$/
/** Options whose value is where they put something. */
const PUTS = /^--?[\w-]*(?:dir(?:ectory)?|file|xml|out\w*|temp|report\w*|cache\w*|location|log)$/i
/** Words before what is run. */
const VERBS = /^(?:watch|run|exec|test)$/
/** What of it runs nothing that it is named. */
const CHECKS = /^(?:fmt|lint|doc|build|vet|fix|tool)$/

/**
 * Words of a program that builds which name code that it runs: `--plugin=X`, `--config X`, `-DCMAKE_C_COMPILER=X`, `@X`.
 * Where one of them lies outside of the project, so does what is run.
 */
export function loadedBy(
  name: string,
  args: readonly Argument[],
  { words, operands }: CommandEffects,
): readonly Argument[] {
  // Most name nothing elsewhere.
  if (!args.some(({ text }) => mayBeElsewhere(text))) return NONE
  const short = SHORT.flatMap(([names, options]) => (names.test(name) ? options.split(' ') : []))
  const loaded = args.flatMap((argument, i): readonly Argument[] => {
    const found = namedBy(argument, args[i + 1], short)
    return found.filter(({ text }) => mayBeElsewhere(text))
  })
  if (!(RUNS.test(name) || runsModule(name, args)) || CHECKS.test(words[1] ?? '')) return loaded
  const isFirst = RUNS_FIRST.test(name) && !/^(?:test|bench)$/.test(words[1] ?? '')
  const files = operands.filter(({ text }) => !VERBS.test(text))
  const ran = (isFirst ? files.slice(0, 1) : files).filter(
    (file) => mayBeElsewhere(file.text) && !PUTS.test(args[args.indexOf(file) - 1]?.text ?? ''),
  )
  return [...loaded, ...ran]
}

const NONE: readonly Argument[] = []

/** `python -m unittest FILE` */
function runsModule(name: string, [option, module]: readonly Argument[]): boolean {
  return /^(?:py|graal)[\w.]*$/.test(name) && option?.text === '-m' && MODULES.test(module?.text ?? '')
}
const MODULES = /^(?:unittest|doctest|cProfile|trace|pydoc)$/

/** What is no more than a name in the folder that it works in lies there. */
function mayBeElsewhere(text: string): boolean {
  return /^(?:file:|@|-[A-Za-z]+)?(?:[/~]|\.\.(?:\/|$))|(?:^|[/=:,@])(?:\.\.(?:\/|$)|[/~])/.test(text)
}

function namedBy(
  argument: Argument,
  next: Argument | undefined,
  short: readonly string[],
): readonly Argument[] {
  const { text, isDynamic } = argument
  const response =
    /^@(.+)$/.exec(text)?.[1] ?? AGENT.exec(text)?.[1] ?? COMPILER.exec(text)?.[1] ?? SETTING.exec(text)?.[1]
  if (response !== undefined) return [{ text: response, isDynamic }]
  if (!text.startsWith('-')) return []
  const end = text.indexOf('=')
  if (LOADS.test(end < 0 ? text : text.slice(0, end))) {
    if (end < 0) return next === undefined ? [] : [next]
    // A name may stand before it: `--override_module=name=../x`.
    const value = text.slice(end + 1).replace(/^[\w.-]*=/, '')
    return [{ text: value, isDynamic }]
  }
  const found = short.length === 0 ? undefined : optionValue(argument, next, short)
  return found === undefined ? [] : [found.value]
}
