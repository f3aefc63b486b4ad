import type { Effect, Role } from '../model/call.js'
import type { Tool, Tools } from './tool.js'

const PATHS: Readonly<Record<string, Role>> = {
  path: 'path',
  paths: 'path',
  file_path: 'path',
  filepath: 'path',
  notebook_path: 'path',
  filename: 'path',
  source: 'path',
  destination: 'path',
  repo_path: 'path',
  files: 'path',
  directory: 'path',
  dir: 'path',
  folder: 'path',
  cwd: 'path',
  pattern: 'query',
  glob: 'query',
  content: 'text',
  contents: 'text',
  new_string: 'text',
  old_string: 'text',
  new_text: 'text',
  old_text: 'text',
  new_source: 'text',
  message: 'text',
}
const COMMANDS: Readonly<Record<string, Role>> = {
  command: 'command',
  commands: 'command',
  cmd: 'command',
  script: 'command',
  working_directory: 'path',
  workdir: 'path',
  cwd: 'path',
  description: 'text',
}
const MESSAGES: Readonly<Record<string, Role>> = {
  to: 'recipient',
  cc: 'recipient',
  bcc: 'recipient',
  recipient: 'recipient',
  recipients: 'recipient',
  channel: 'recipient',
  channel_id: 'recipient',
  participants: 'recipient',
  attendees: 'recipient',
  email: 'recipient',
  emails: 'recipient',
  subject: 'text',
  body: 'text',
  text: 'text',
  message: 'text',
  title: 'text',
  query: 'query',
  attachments: 'path',
}
const SQL: Readonly<Record<string, Role>> = { query: 'sql', sql: 'sql', statement: 'sql' }
const QUERIES: Readonly<Record<string, Role>> = { query: 'query', q: 'query', url: 'url', prompt: 'text' }

function each(
  names: string,
  effects: readonly Effect[],
  roles: Tool['roles'],
  isUntrusted = false,
): [string, Tool][] {
  return names.split(' ').map((name) => [name, { effects, roles, isUntrusted }])
}

/**
 * Tools of Claude Code and the Claude Agent SDK, OpenAI's agents, the reference servers of MCP (filesystem, git, fetch,
 * memory, sqlite, time, github, slack), and those that nearly every agent with mail, calendar or files has.
 */
export const KNOWN_TOOLS: Tools = Object.fromEntries([
  ...each(
    'bash shell local_shell run_shell_command execute_command run_command run_terminal_cmd terminal exec exec_command',
    [],
    COMMANDS,
  ),
  ...each('code_interpreter python run_code execute_code run_python javascript_tool', ['execute'], {
    code: 'code',
    input: 'code',
  }),
  ...each(
    'read read_file read_text_file read_media_file read_multiple_files view view_file notebook_read open_file cat_file get_file_info',
    ['read'],
    PATHS,
  ),
  ...each(
    'ls list_directory list_directory_with_sizes list_dir directory_tree glob grep search_files grep_search file_search codebase_search find_files list_files list_allowed_directories',
    ['read'],
    PATHS,
  ),
  ...each(
    'write write_file edit edit_file multi_edit notebook_edit create_file create_directory make_directory str_replace str_replace_editor str_replace_based_edit_tool insert',
    ['write'],
    PATHS,
  ),
  ...each('move_file rename_file copy_file', ['write'], PATHS),
  ...each('delete_file remove_file delete_directory remove_directory', ['delete'], PATHS),
  ...each('apply_patch', ['write'], { patch: 'text', input: 'text' }),
  ...each(
    'git_status git_diff git_diff_unstaged git_diff_staged git_log git_show git_branch',
    ['read'],
    PATHS,
  ),
  ...each('git_add git_commit git_create_branch git_checkout git_init', ['write'], PATHS),
  ...each('git_reset', ['delete'], PATHS),
  ...each('git_push', ['send'], PATHS),
  ...each(
    'web_fetch fetch fetch_url browse open_url navigate browser_navigate',
    ['outward-read'],
    QUERIES,
    true,
  ),
  ...each('web_search search_web google_search brave_web_search', ['outward-read'], QUERIES, true),
  ...each(
    'todo_write todo_read update_plan exit_plan_mode ask_user_question bash_output list_mcp_resources get_current_time convert_time think sequentialthinking',
    ['read'],
    {},
  ),
  ...each('kill_shell kill_bash', ['write'], {}),
  ...each('task agent', ['execute'], { prompt: 'text', description: 'text' }),
  ...each(
    'create_entities create_relations add_observations append_insight remember store_memory',
    ['write'],
    {},
  ),
  ...each('read_graph search_nodes open_nodes recall', ['read'], QUERIES),
  ...each('delete_entities delete_observations delete_relations', ['delete'], {}),
  ...each('read_query list_tables describe_table', ['read'], SQL),
  ...each('write_query create_table execute_sql run_sql query_database', [], SQL),
  ...each(
    'get_issue list_issues search_issues get_pull_request list_pull_requests get_pull_request_files get_pull_request_comments search_code search_repositories get_file_contents list_commits',
    ['read'],
    QUERIES,
    true,
  ),
  ...each(
    'create_issue update_issue add_issue_comment create_pull_request create_pull_request_review create_branch create_or_update_file push_files create_repository fork_repository merge_pull_request',
    ['send'],
    { ...MESSAGES, ...PATHS },
  ),
  ...each(
    'slack_post_message slack_reply_to_thread slack_add_reaction post_message send_message send_direct_message reply_to_message',
    ['send'],
    MESSAGES,
  ),
  ...each(
    'slack_list_channels slack_get_channel_history slack_get_thread_replies slack_get_users slack_get_user_profile',
    ['read'],
    MESSAGES,
    true,
  ),
  ...each('send_email send_mail reply_to_email forward_email reply_email', ['send'], MESSAGES),
  ...each('create_draft draft_email', ['write'], MESSAGES),
  ...each(
    'search_emails list_emails read_email get_email search_messages read_inbox',
    ['read'],
    MESSAGES,
    true,
  ),
  ...each('delete_email', ['delete'], MESSAGES),
  ...each('create_event update_event create_calendar_event update_calendar_event', ['write'], MESSAGES),
  ...each('list_events get_event search_events list_calendars', ['read'], MESSAGES, true),
  ...each('delete_event delete_calendar_event cancel_calendar_event', ['delete'], MESSAGES),
  ...each(
    'send_payment create_payment transfer transfer_money make_payment pay_invoice create_payout create_refund',
    ['pay'],
    { amount: 'amount', recipient: 'recipient', to: 'recipient', account: 'recipient', iban: 'recipient' },
  ),
])
