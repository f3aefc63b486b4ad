import type { Effect } from '../model/call.js'
import type { ShellCommand } from './shell-script.js'
import type { Argument, Setting } from './words.js'

/** Variables that have a program run, or load, what they name. */
const LOADING =
  /^(?:LD_\w+|DYLD_\w+|PATH|NODE_(?:OPTIONS|PATH)|PYTHON(?:PATH|STARTUP|HOME|BREAKPOINT)|PERL5?(?:LIB|OPT|DB)|RUBY(?:OPT|LIB)|BASH_ENV|ENV|ZDOTDIR|SHELL|\w*PAGER|\w*EDITOR|\w*BROWSER|VISUAL|TAR_OPTIONS|TAPE|ZIPOPT|RIPGREP_CONFIG_PATH|CCACHE_(?:PREFIX|COMPILER)|GIT_(?:DIR|WORK_TREE|COMMON_DIR|OBJECT_DIRECTORY|TEMPLATE_DIR|INDEX_FILE|SSH\w*|PROXY_COMMAND|EXTERNAL_DIFF|TRACE\w*|ASKPASS|EXEC_PATH|CONFIG\w*)|SSH_ASKPASS|PROMPT_COMMAND|IFS|LESSOPEN|LESSCLOSE|(?:HOST)?(?:CC|CXX|CPP|LD|AR|AS)|RUSTC|RUSTDOC|RUSTC_\w*WRAPPER|RUSTFLAGS|CARGO|CARGO_(?:BUILD_RUST\w*|TARGET_\w+_(?:LINKER|RUNNER|RUSTFLAGS))|GOFLAGS|(?:GNU)?MAKEFLAGS|MAKEFILES|PYTEST_(?:ADDOPTS|PLUGINS)|(?:_|JDK_)?JAVA_(?:TOOL_)?OPTIONS|(?:JAVA|MAVEN|GRADLE|SBT|CATALINA)_OPTS|DOTNET_STARTUP_HOOKS|(?:npm|pnpm|yarn)_(?:config_)?(?:node_options|script_shell|shell|registry|globalconfig|userconfig|git|editor|prefix)|GLOBIGNORE|MAKE|NM|RANLIB|STRIP|OBJCOPY|LINKER|PKG_CONFIG|CARGO_(?:ENCODED_RUSTFLAGS|ALIAS_\w+|REGISTR\w+|SOURCE_\w+|HOME|HTTP_\w+)|RUSTDOCFLAGS|RUSTUP_\w+|GO(?:TOOLCHAIN|PROXY|NOSUMDB|NOSUMCHECK|NOPROXY|SUMDB|INSECURE|ENV|ROOT|WORK)|CGO_\w*FLAGS|TF_CLI_\w+|HELM_(?:PLUGINS|KUBE\w+)|KUBECONFIG|DOCKER_(?:HOST|CONTEXT|CONFIG)|GH_(?:HOST|CONFIG_DIR|PATH)|CURL_HOME|WGETRC|(?:https?|all|ftp)_proxy|(?:HTTPS?|ALL|FTP)_PROXY|NODE_(?:TLS_REJECT_UNAUTHORIZED|EXTRA_CA_CERTS)|SSLKEYLOGFILE|CURL_CA_BUNDLE|PIP_(?:INDEX_URL|EXTRA_INDEX_URL|FIND_LINKS|CONFIG_FILE)|UV_(?:DEFAULT_)?INDEX\w*|KUBECTL_EXTERNAL_DIFF|PSQLRC|PG(?:HOST(?:ADDR)?|SERVICE(?:FILE)?|SYSCONFDIR)|MYSQL_H(?:OST|OME)|USE_BAZEL_VERSION|BAZEL(?:ISK_\w+|_SH|_REAL))$/
/** Those of package managers are known in capitals, too. */
const OF_MANAGERS = /^(?:npm|pnpm|yarn)_/i

const COMPILER =
  /^(?:(?:s?ccache|distcc) )?(?:\/usr\/bin\/)?(?:gcc|g\+\+|clang|clang\+\+|cc|c\+\+|tcc|musl-gcc|emcc|em\+\+)(?:-[\d.]+)?$/
const BROWSER = /^(?:|none|true|false|echo|chrome|chromium|google-chrome|firefox|safari|edge|webkit)$/
const VIEWER = /^(?:|cat|less(?: -[FRXSKMi]+)*|more|true|:|vim?|nano|none|echo)$/
/** An option without a path, or its value. */
const PLAIN_OPTION = /^-{0,2}[\w.]+(?:[-+][\w.]+)*(?:[=:][\w.%,+-]*)?$/
/** What has code run or loaded. */
const LOADS =
  /agent|loader|require|command|program|script|import|exec|linker|plugin|eval|wrapper|preload|config|hook|^-[frpIB]/i
/** Names of a folder below the one that a program runs in. */
const FOLDERS_BELOW = /^(?!.*\.\.)[\w.][\w./-]*(?::[\w.][\w./-]*)*$/

/** What it may be set to, as others do all the time, and nothing else is run. */
const HARMLESS: readonly (readonly [RegExp, RegExp])[] = [
  [/^(?:HOST)?(?:CC|CXX|CPP|LD|AR|AS)$|^CCACHE_COMPILER$/, COMPILER],
  [/BROWSER$/, BROWSER],
  [/^GIT_TRACE/, /^(?:[0-9]|true|false|)$/],
  [/PAGER$|EDITOR$|^VISUAL$/, VIEWER],
  [/^SHELL$/, /^(?:\/usr)?\/bin\/(?:ba|z|da)?sh$/],
  [/^ENV$/, /^[a-z]+$/],
  [/^(?:PYTHONPATH|KUBECONFIG|GOWORK|NODE_EXTRA_CA_CERTS)$/, FOLDERS_BELOW],
  [/^(?:GOWORK|GOPROXY|GOTOOLCHAIN)$/, /^(?:off|direct|local|auto)$/],
  [/proxy$/i, /^(?:|\*|(?:http:\/\/)?(?:localhost|127\.0\.0\.1)(?::\d+)?\/?)$/],
  // A name without a dot is one of the same network.
  [
    /^(?:PGHOST(?:ADDR)?|MYSQL_HOST)$/,
    /^(?:[\w-]+|127(?:\.\d+){3}|::1|\/(?:var\/run|run|tmp)\/[\w/-]+|\/tmp)$/,
  ],
  [/^USE_BAZEL_VERSION$/, /^(?:latest|last_\w+|\d[\w.-]*)$/],
  [/^KUBECTL_EXTERNAL_DIFF$/, /^(?:diff|colordiff|delta)(?: -[\w-]+)*$/],
  [/^GIT_CONFIG_(?:NOSYSTEM|SYSTEM|GLOBAL)$/, /^(?:1|true|\/dev\/null)$/],
]
const OPTIONS = /(?:OPTIONS|OPTS|FLAGS|ADDOPTS)$/

/** Whether what is run later may be another for it; without its value, whatever that is. */
export function isLoading(name: string, value?: Argument): boolean {
  if (!LOADING.test(OF_MANAGERS.test(name) ? name.toLowerCase() : name)) return false
  if (value === undefined || value.isDynamic) return true
  if (HARMLESS.some(([names, values]) => names.test(name) && values.test(value.text))) return false
  if (!OPTIONS.test(name)) return true
  return !value.text
    .split(/\s+/)
    .every((word) => word === '' || (PLAIN_OPTION.test(word) && !LOADS.test(word)))
}

/** What others write to or install into; a build that is handed one of these puts files there. */
const DESTINATION =
  /(?:^|_)(?:DEST\w*|\w*PREFIX|OUT|OUT_?\w*|O|BUILD|BUILD_?(?:DIR|PATH|ROOT)|INSTALL\w*|\w*TARGET(?:_?DIR|_?PATH)?|DIST(?:_?DIR)?|CACHE(?:_?DIR)?|GOBIN|GOPATH|GOCACHE|TMPDIR|HOME|(?:s?bin|lib|man|data|info|doc|include|sysconf|localstate|runstate|root)dir)$/i
/** What others read. */
const SOURCE =
  /(?:^|_)(?:\w*SRC\w*|\w*SOURCE\w*|INPUT\w*|FIXTURES?\w*|INCLUDE\w*|CERTS?|CA|SDK\w*|KUBECONFIG)$|(?:JAVA|ANDROID|GO|RUBY|NODE|PYTHON|CUDA|M2|MAVEN|GRADLE|LLVM|QT|JDK)(?!_USER)\w*_?(?:HOME|ROOT)$/i
const URL = /\b[a-z][a-z+.-]*:\/\/\S*/gi
const UPWARDS = /(?:^|\/)\.\.(?:\/|$)/

/** Destinations that are exported wherever they are set at all. */
export const EXPORTED =
  /^(?:HOME|TMPDIR|XDG_\w+|DESTDIR|PREFIX|GOBIN|GOPATH|GOCACHE|GOMODCACHE|CARGO_TARGET_DIR|npm_config_prefix)$/

/** Paths in its value that whoever is handed it may write to, as far as its name tells, outside of where it runs. */
export function destinationsIn({ name, value }: Setting): readonly Argument[] {
  const { text, isDynamic } = value
  if (isDynamic || !/\.\.|[/~]/.test(text) || SOURCE.test(name)) return []
  const isDestination = DESTINATION.test(name)
  return text
    .replace(URL, '')
    .split(/[\s:;,=]+/)
    .map((part) => part.replace(/^-[^IL-]?(?=[/~.])/, ''))
    .filter(
      (part) =>
        UPWARDS.test(part) ||
        /^(?:~|\/(?:home|Users|root)\/)/.test(part) ||
        (isDestination && part.startsWith('/')),
    )
    .filter((part) => !part.startsWith('-'))
    .map((part) => ({ text: part, isDynamic: false }))
}

/** `NAME=VALUE` and `-DNAME=VALUE`, as a word of a command; undefined for other words. */
export function settingIn({ text, isDynamic }: Argument): Setting | undefined {
  const found = /^(?:-[DP])?([A-Za-z_][\w.]*)(?::\w+)?[?+:!]*=(.*)$/s.exec(text)
  return found === null
    ? undefined
    : { name: found[1] as string, value: { text: found[2] as string, isDynamic } }
}

const RUNS = /^(?:build|execute)$/

/** Paths elsewhere that a program which builds, or installs, is handed by its variables and by words that set some. */
export function handedTo(
  { args, variables }: ShellCommand,
  words: readonly string[],
  [effect]: readonly Effect[],
): readonly Argument[] {
  const isRunning = effect !== undefined && RUNS.test(effect)
  if (!isRunning && (effect !== 'write' || words.length < 2)) return NONE
  const given = isRunning ? args.flatMap((word) => settingIn(word) ?? []) : NONE
  return variables.length + given.length === 0 ? NONE : [...variables, ...given].flatMap(destinationsIn)
}

const NONE: readonly never[] = []
