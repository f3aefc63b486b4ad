import { posix } from 'node:path'
import { SHELLS } from './builtins.js'
import { anyBelow, findsHidden, rootsOf, selectedName, showsFiles } from './programs/found-files.js'
import { handedScript, type Inner, NOTHING, rest, valuesOf } from './programs/inner.js'
import { runByTool } from './programs/runners.js'
import type { Argument } from './words.js'

/** Interpreters, and the option before code. */
const INTERPRETERS: readonly (readonly [RegExp, readonly string[]])[] = [
  [/^python[\d.]*$|^pypy3?$/, ['-c']],
  [/^node$|^nodejs$|^deno$|^bun$/, ['-e', '--eval', '-p', '--print', '-pe']],
  [/^perl$|^ruby$/, ['-e', '-E', '-pe', '-ne', '-pi', '-i']],
  [/^php$/, ['-r']],
  [/^lua$|^Rscript$/, ['-e']],
  [/^osascript$/, ['-e']],
]
const INTERPRETER = new RegExp(INTERPRETERS.map(([{ source }]) => source).join('|'))
/** Commands that run the rest of their words, and their options that take a value. */
const PREFIXES: Readonly<
  Record<
    string,
    { readonly valued: string; readonly skip?: number; readonly assigns?: true; readonly chdir?: string }
  >
> = {
  sudo: {
    valued: '-u -g -h -p -C -T -U -D -r -t --user --group --host --prompt --chdir',
    assigns: true,
    chdir: '-D --chdir',
  },
  doas: { valued: '-u -C' },
  env: { valued: '-u -C -S --unset --chdir', assigns: true, chdir: '-C --chdir' },
  nohup: { valued: '' },
  nice: { valued: '-n --adjustment' },
  ionice: { valued: '-c -n -p' },
  time: { valued: '-f -o --format --output' },
  timeout: { valued: '-k -s --kill-after --signal', skip: 1 },
  stdbuf: { valued: '-i -o -e' },
  setsid: { valued: '' },
  command: { valued: '' },
  builtin: { valued: '' },
  exec: { valued: '-a' },
  xargs: { valued: '-I -i -n -L -P -d -E -s -a --max-args --max-procs --replace --delimiter --arg-file' },
  parallel: { valued: '-j --jobs' },
  strace: { valued: '-e -o -p -u' },
  ltrace: { valued: '-e -o' },
  chroot: { valued: '', skip: 1 },
  flock: { valued: '-w -E', skip: 1 },
  busybox: { valued: '' },
  unshare: { valued: '' },
  runuser: { valued: '-u -g' },
  npx: { valued: '-p --package -c' },
  bunx: { valued: '' },
  uvx: { valued: '--from --with' },
  pipx: { valued: '', skip: 1 },
  'cross-env': { valued: '', assigns: true },
  dotenv: { valued: '-e -f' },
}

export function unwrap(name: string, args: readonly Argument[]): Inner {
  if (SHELLS.has(name)) return shell(name, args)
  const byTool = runByTool(name, args)
  if (byTool !== undefined) return byTool
  const interpreter = INTERPRETER.test(name) ? INTERPRETERS.find(([names]) => names.test(name)) : undefined
  if (interpreter !== undefined) return interpreted(args, interpreter[1])
  if (name === 'eval') return { ...NOTHING, scripts: [joined(args)] }
  if (name === 'find') return found(args)
  if (name === 'fd') return foundByName(args)
  if (name === 'su') return { ...NOTHING, scripts: after(args, ['-c', '--command']) }
  if (name === 'ssh') return remote(args)
  if (name === 'watch') {
    const script = rest(args, { valued: '-n --interval' })
    return script.length === 0 ? NOTHING : { ...NOTHING, scripts: [joined(script)] }
  }
  if (name === 'trap') return { ...NOTHING, scripts: args.slice(0, 1) }
  if (name === 'git') return { ...NOTHING, scripts: aliases(args) }
  const prefix = Object.hasOwn(PREFIXES, name) ? PREFIXES[name] : undefined
  if (prefix === undefined) return NOTHING
  // It only says what would be run.
  if (name === 'command' && /^-[pvV]*[vV]/.test(args[0]?.text ?? '')) return NOTHING
  const words = name === 'npx' ? withoutVersion(rest(args, prefix)) : rest(args, prefix)
  const before = args.slice(0, args.length - words.length)
  const directories = chosenBy(before, prefix.chdir)
  const assigned = prefix.assigns === true ? before.filter(({ text }) => /^\w+=/.test(text)) : []
  if (name === 'npx' || name === 'env') {
    const scripts = valuesOf(before, name === 'npx' ? '-c --call' : '-S --split-string')
    if (scripts.length > 0) return { ...NOTHING, scripts, directories, assigned }
  }
  // Each line that it is handed is a command.
  if (name === 'parallel' && words.length === 0) return { ...NOTHING, readsScript: true }
  return words.length === 0 ? NOTHING : { ...NOTHING, commands: [words], directories, assigned }
}

/** `npx prettier@3.9.0` runs prettier. */
function withoutVersion(words: readonly Argument[]): readonly Argument[] {
  const [first, ...others] = words
  const name = /^((?:@[\w.-]+\/)?[\w.-]+)@(?:latest|next|[~^]?\d[\w.-]*)$/.exec(first?.text ?? '')?.[1]
  return name === undefined || first?.isDynamic === true
    ? words
    : [{ text: name, isDynamic: false }, ...others]
}

function shell(name: string, args: readonly Argument[]): Inner {
  const handed = handedScript(name, args)
  if (handed !== undefined) return { ...NOTHING, scripts: [handed.script] }
  const hasFile = args.some(({ text }) => !text.startsWith('-') && !text.startsWith('+'))
  return { ...NOTHING, readsScript: !hasFile }
}

function interpreted(args: readonly Argument[], options: readonly string[]): Inner {
  const code = after(args, options)
  const hasFile = args.some(({ text }) => !text.startsWith('-') || text === '-m')
  return { ...NOTHING, code, readsScript: code.length === 0 && !hasFile }
}

function after(args: readonly Argument[], options: readonly string[]): readonly Argument[] {
  const at = args.findIndex(({ text }) => options.includes(text))
  const given = at < 0 ? undefined : args[at + 1]
  return given === undefined ? [] : [given]
}

function joined(args: readonly Argument[]): Argument {
  return {
    text: args.map(({ text }) => text).join(' '),
    isDynamic: args.some(({ isDynamic }) => isDynamic),
  }
}

/** `find` runs a command where it stands, or with `-execdir` in the folder of what it found. */
function found(args: readonly Argument[]): Inner {
  const roots = rootsOf(args)
  const name = selectedName(args)
  const isBeside = args.some(({ text }) => /^-(?:exec|ok)dir$/.test(text))
  const commands = roots.flatMap((root) =>
    executed(args).map((words) => [
      ...words.map((word) => foundBelow(root, word, isBeside ? undefined : name)),
      ...(findsHidden(args) && showsFiles(words) ? [anyBelow(root.text)] : []),
    ]),
  )
  if (!isBeside) return { ...NOTHING, commands }
  const parents = roots
    .filter(({ text }) => !/(?:^|\/)\.{0,2}$/.test(text))
    .map(({ text, isDynamic }) => ({ text: posix.join(text, '..'), isDynamic }))
  return { ...NOTHING, commands, directories: [HERE, ...roots, ...parents] }
}

/** `-x COMMAND`, `-Hx COMMAND`, `-xCOMMAND`, `--exec=COMMAND`. */
const FD_EXECUTES = /^(?:-[A-WYZa-wyz]*[xX]|--exec(?:-batch)?(?:=|$))(.*)$/s

/** `fd` may look in any of its words, and what it found stands last where no word says where. */
function foundByName(args: readonly Argument[]): Inner {
  const at = args.findIndex(({ text }) => FD_EXECUTES.test(text))
  if (at < 0) return NOTHING
  const roots = [HERE, ...args.slice(0, at).filter(({ text }) => !text.startsWith('-'))]
  const isHiddenToo = args.slice(0, at + 1).some(({ text }) => /^-[a-zA-Z]*[Hu]|^--(?:hid|unr)/.test(text))
  const given = args.flatMap((argument): Argument[] => {
    const joined = FD_EXECUTES.exec(argument.text)?.[1] ?? ''
    return joined === ''
      ? [argument]
      : [
          { text: '-x', isDynamic: false },
          { ...argument, text: joined },
        ]
  })
  const commands = roots.flatMap((root) =>
    executed(given).map((words) => {
      const isNamed = words.some(({ text }) => text.includes('{'))
      const shown = isHiddenToo && showsFiles(words) ? [anyBelow(root.text)] : []
      return [...(isNamed ? words : [...words, FOUND]).map((word) => foundBelow(root, word)), ...shown]
    }),
  )
  return { ...NOTHING, commands }
}

const HERE: Argument = { text: '.', isDynamic: false }
const FOUND: Argument = { text: '{}', isDynamic: false }

/** `{}` is something below where it looks, of that name where there is but one. */
function foundBelow(root: Argument, word: Argument, name?: string): Argument {
  if (!word.text.includes('{}')) return word
  const below = name === undefined ? `${root.text}/{}` : `${root.text}/{}/${name}`
  return {
    text: word.text.replaceAll('{}', () => below),
    isDynamic: word.isDynamic || root.isDynamic,
  }
}

/** `-exec COMMAND ... ;` or `+`, of which there may be several. */
function executed(args: readonly Argument[]): (readonly Argument[])[] {
  const commands: (readonly Argument[])[] = []
  args.forEach(({ text }, i) => {
    if (!/^-(?:exec|execdir|ok|okdir)$|^-[A-WYZa-wyz]*[xX]$|^--exec(?:-batch)?$/.test(text)) return
    const words = args.slice(i + 1)
    const end = words.findIndex((word) => word.text === ';' || word.text === '+')
    commands.push(end < 0 ? words : words.slice(0, end))
  })
  return commands
}

/** What stands behind the host runs there, in a shell. */
function remote(args: readonly Argument[]): Inner {
  const words = rest(args, { valued: '-b -c -D -E -e -F -I -i -J -L -l -m -O -o -p -Q -R -S -W -w' })
  return words.length < 2 ? NOTHING : { ...NOTHING, scripts: [joined(words.slice(1))] }
}

/** `git -c alias.x='!command' x` runs the command. */
function aliases(args: readonly Argument[]): readonly Argument[] {
  return args.flatMap(({ text, isDynamic }) => {
    if (!text.includes('=')) return []
    const found =
      /^(?:alias\.[^=]+|core\.(?:pager|editor|sshCommand|fsmonitor)|[\w.]*\.?(?:command|textconv|helper))=!?(.*)$/s.exec(
        text,
      )
    return found === null ? [] : [{ text: found[1] as string, isDynamic }]
  })
}

/** The last one counts; undefined where there is none. */
function chosenBy(args: readonly Argument[], names: string | undefined): readonly Argument[] | undefined {
  const values = names === undefined ? [] : valuesOf(args, names)
  return values.length === 0 ? undefined : values.slice(-1)
}
