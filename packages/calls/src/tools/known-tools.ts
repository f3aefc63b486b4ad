import { AGENT_TOOLS } from './agent-tools.js'
import type { Tools } from './tool.js'
import { COMMANDS, each, MEMORIES, MESSAGES, PATHS, QUERIES, SQL } from './tool-entries.js'

/**
 * Tools of Claude Code and the Claude Agent SDK, OpenAI's agents, the reference servers of MCP (filesystem, git, fetch,
 * memory, sqlite, time, github, slack), and those that nearly every agent with mail, calendar or files has; with those of
 * other coding agents and frameworks (`agent-tools.ts`).
 */
export const KNOWN_TOOLS: Tools = Object.fromEntries([
  ...AGENT_TOOLS,
  ...each(
    'bash shell local_shell run_shell_command execute_command run_command run_terminal_cmd terminal exec exec_command',
    [],
    COMMANDS,
  ),
  ...each('bash_code_execution', [], COMMANDS),
  ...each('power_shell powershell monitor repl', ['execute'], {
    command: 'code',
    script: 'code',
    code: 'code',
  }),
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
    'ls list_directory list_directory_with_sizes list_dir directory_tree glob search_files file_search codebase_search find_files list_files list_allowed_directories',
    ['read'],
    PATHS,
  ),
  // What it shows is what stands in the files that are selected.
  ...each('grep grep_search', ['read'], {
    ...PATHS,
    glob: 'path',
    include_pattern: 'path',
    includePattern: 'path',
  }),
  ...each(
    'write write_file edit edit_file multi_edit notebook_edit create_file create_directory make_directory str_replace insert',
    ['write'],
    PATHS,
  ),
  // One tool whose argument says what it does: `view`, `create`, `delete`.
  ...each(
    'str_replace_editor str_replace_based_edit_tool text_editor text_editor_code_execution',
    ['write'],
    {
      ...PATHS,
      command: 'identifier',
      file_text: 'text',
      old_str: 'text',
      new_str: 'text',
      insert_text: 'text',
    },
  ),
  ...each('memory', ['delete'], {
    command: 'identifier',
    path: 'path',
    old_path: 'path',
    new_path: 'path',
    file_text: 'text',
  }),
  ...each('move_file rename_file copy_file', ['write'], PATHS),
  ...each('delete_file remove_file delete_directory remove_directory', ['delete'], PATHS),
  ...each('apply_patch', ['write'], {
    patch: 'patch',
    input: 'patch',
    patch_text: 'patch',
    patchText: 'patch',
    diff: 'patch',
  }),
  ...each('apply_diff', ['write'], { ...PATHS, diff: 'patch' }),
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
    'todo_write todo_read update_plan enter_plan_mode exit_plan_mode ask_user_question bash_output task_get task_list task_create task_update task_output cron_list tool_search get_current_time convert_time think sequentialthinking sequential_thinking lsp',
    ['read'],
    { file_path: 'path' },
  ),
  ...each(
    'list_mcp_resources list_mcp_resources_tool read_mcp_resource read_mcp_resource_tool file_search_call',
    ['read'],
    { server: 'identifier', uri: 'identifier' },
    true,
  ),
  ...each('enter_worktree exit_worktree', ['write'], PATHS),
  ...each('cron_delete task_stop', ['delete'], {}),
  ...each('skill slash_command cron_create workflow', ['execute'], {
    prompt: 'text',
    args: 'text',
    skill: 'identifier',
  }),
  ...each('computer computer_use', ['execute'], { text: 'text', action: 'identifier' }),
  ...each('image_generation generate_image', ['outward-read'], { prompt: 'text' }, true),
  ...each('kill_shell kill_bash', ['write'], {}),
  ...each('artifact', ['send'], { file_path: 'path', content: 'text' }),
  ...each('task agent', ['execute'], { prompt: 'text', description: 'text' }),
  ...each('create_entities create_relations add_observations append_insight store_memory', ['write'], {}),
  ...each('read_graph search_nodes open_nodes', ['read'], QUERIES),
  ...each('delete_entities delete_observations delete_relations', ['delete'], {}),
  // An update keeps what was there before in the history, and what is forgotten is gone.
  ...each('remember memory_update', ['write'], MEMORIES),
  // What is recalled may be what others shared, or what a page said once.
  ...each('recall memory_get memory_history', ['read'], { ...MEMORIES, ...QUERIES }, true),
  ...each('forget', ['delete'], MEMORIES),
  ...each('read_query list_tables describe_table', ['read'], SQL),
  ...each('write_query create_table execute_sql run_sql query_database', [], SQL),
  ...each(
    'get_issue list_issues search_issues issue_read get_pull_request list_pull_requests pull_request_read search_pull_requests get_pull_request_files get_pull_request_comments get_pull_request_reviews get_pull_request_status get_pull_request_diff search_code search_repositories search_users get_file_contents list_commits get_commit list_branches list_tags get_tag list_releases get_latest_release get_me get_teams get_team_members get_label list_label get_repository_tree list_workflows list_workflow_runs get_workflow_run list_workflow_jobs get_job_logs list_discussions get_discussion get_discussion_comments list_notifications get_notification_details list_gists get_gist list_code_scanning_alerts get_code_scanning_alert list_dependabot_alerts get_dependabot_alert list_secret_scanning_alerts get_secret_scanning_alert actions_list actions_get',
    ['read'],
    QUERIES,
    true,
  ),
  ...each(
    'create_issue update_issue issue_write sub_issue_write add_issue_comment create_pull_request update_pull_request update_pull_request_branch create_pull_request_review pull_request_review_write add_comment_to_pending_review add_reply_to_pull_request_comment request_copilot_review assign_copilot_to_issue create_branch create_or_update_file push_files create_repository fork_repository merge_pull_request create_gist update_gist label_write dismiss_notification star_repository unstar_repository',
    ['send'],
    { ...MESSAGES, ...PATHS },
  ),
  ...each('actions_run_trigger run_workflow rerun_workflow_run rerun_failed_jobs', ['execute'], {
    inputs: 'text',
  }),
  ...each('cancel_workflow_run delete_workflow_run_logs delete_repository delete_branch', ['delete'], {}),
  // What they show is put into a file where one is named.
  ...each(
    'browser_snapshot browser_take_screenshot browser_console_messages browser_network_requests puppeteer_screenshot',
    ['write'],
    { ...PATHS, file_name: 'path' },
    true,
  ),
  ...each('browser_tabs browser_wait_for', ['read'], { ...PATHS, url: 'identifier' }, true),
  ...each(
    'browser_click browser_type browser_fill_form browser_select_option browser_press_key browser_hover browser_drag browser_handle_dialog browser_file_upload puppeteer_click puppeteer_fill puppeteer_select puppeteer_hover',
    ['send'],
    { text: 'text', value: 'text', fields: 'text', paths: 'path' },
  ),
  ...each('browser_evaluate browser_run_code puppeteer_evaluate', ['execute'], {
    function: 'code',
    code: 'code',
    script: 'code',
  }),
  ...each(
    'slack_post_message slack_reply_to_thread slack_add_reaction conversations_add_message post_message send_message send_direct_message reply_to_message',
    ['send'],
    MESSAGES,
  ),
  ...each(
    'slack_list_channels slack_get_channel_history slack_get_thread_replies slack_get_users slack_get_user_profile conversations_history conversations_replies conversations_search_messages channels_list users_search',
    ['read'],
    MESSAGES,
    true,
  ),
  ...each(
    'send_email send_mail send_draft gmail_send_email reply_to_email forward_email reply_email',
    ['send'],
    MESSAGES,
  ),
  ...each('create_draft update_draft draft_email gmail_create_draft modify_email', ['write'], MESSAGES),
  ...each(
    'search_emails list_emails read_email get_email get_emails search_messages read_inbox list_labels list_email_labels',
    ['read'],
    MESSAGES,
    true,
  ),
  ...each(
    'download_attachment',
    ['write'],
    { ...PATHS, save_to: 'path', save_path: 'path', output_path: 'path', download_path: 'path' },
    true,
  ),
  ...each('delete_email batch_delete_emails trash_email', ['delete'], MESSAGES),
  ...each('create_event update_event create_calendar_event update_calendar_event', ['write'], MESSAGES),
  ...each(
    'list_events get_event search_events list_calendars get_freebusy find_free_time list_colors',
    ['read'],
    MESSAGES,
    true,
  ),
  ...each('delete_event delete_calendar_event cancel_calendar_event', ['delete'], MESSAGES),
  ...each(
    'send_payment create_payment transfer transfer_money send_money make_payment schedule_payment pay_invoice pay_order create_payout create_transfer create_refund create_charge capture_payment confirm_payment_intent create_payment_intent create_subscription update_subscription finalize_invoice place_order checkout withdraw deposit',
    ['pay'],
    { amount: 'amount', recipient: 'recipient', to: 'recipient', account: 'recipient', iban: 'recipient' },
  ),
  ...each(
    'list_customers list_invoices list_payment_intents list_subscriptions list_disputes list_products list_prices retrieve_balance get_balance get_transactions list_transactions list_payments',
    ['read'],
    QUERIES,
    true,
  ),
  ...each('create_payment_link create_invoice send_invoice create_customer update_dispute', ['send'], {
    ...MESSAGES,
    customer: 'recipient',
    customer_email: 'recipient',
    amount: 'amount',
  }),
  ...each('cancel_subscription cancel_payment cancel_order void_invoice', ['delete'], {}),
])
