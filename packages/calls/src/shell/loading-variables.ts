/** Variables that have a program run, or load, what they name. */
const LOADING =
  /^(?:LD_\w+|DYLD_\w+|PATH|NODE_OPTIONS|NODE_PATH|PYTHON(?:PATH|STARTUP|HOME)|PERL5?(?:LIB|OPT)|RUBY(?:OPT|LIB)|BASH_ENV|ENV|SHELL|PAGER|MANPAGER|EDITOR|VISUAL|GIT_(?:DIR|WORK_TREE|COMMON_DIR|INDEX_FILE|SSH\w*|EXTERNAL_DIFF|PAGER|EDITOR|SEQUENCE_EDITOR|ASKPASS|EXEC_PATH|CONFIG\w*)|SSH_ASKPASS|PROMPT_COMMAND|IFS|LESSOPEN|JAVA_TOOL_OPTIONS|CC|CXX|RUSTC_WRAPPER)$/

/** Whether what is run later may be another for it. */
export function isLoading(variable: string): boolean {
  return LOADING.test(variable)
}
