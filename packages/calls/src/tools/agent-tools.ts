import type { Tool } from './tool.js'
import { COMMANDS, each, MESSAGES, PATHS, QUERIES, SQL } from './tool-entries.js'

/** Arguments of coding agents that are files, whatever a word of them would tell. */
const FILES: Tool['roles'] = {
  ...PATHS,
  target_file: 'path',
  target_directory: 'path',
  target_directories: 'path',
  target_notebook: 'path',
  relative_workspace_path: 'path',
  directory_path: 'path',
  dir_path: 'path',
  include: 'path',
  include_pattern: 'path',
  exclude_pattern: 'query',
  changes: 'text',
  code_edit: 'text',
  diff: 'text',
  old_str: 'text',
  new_str: 'text',
  instruction: 'text',
  instructions: 'text',
  explanation: 'text',
  search: 'text',
  replace: 'text',
}

/** Tools of coding agents, by their public sources and, for Cursor, by what its models are told. */
const CODING_AGENTS: readonly (readonly [string, Tool])[] = [
  // Codex, OpenHands, Continue, VS Code. What is typed into a program that runs is not looked into; nothing is typed to see its output.
  ...each('shell_command execute_bash run_terminal_command run_in_terminal', [], COMMANDS),
  ...each('write_stdin', ['read'], { chars: 'code' }),
  ...each('execute_ipython_cell js_repl', ['execute'], { code: 'code' }),
  // Continue, Gemini CLI, Cline, Cursor, Codex, Goose.
  ...each(
    'read_file_range read_currently_open_file view_diff view_repo_map view_subdirectory file_glob_search glob_file_search read_many_files search_file_content list_code_definition_names view_image read_image grep_files read_lints tree codebase get_internal_docs',
    ['read'],
    FILES,
  ),
  // Continue, Gemini CLI, Cline, Roo Code, Cursor, VS Code.
  ...each(
    'create_new_file edit_existing_file single_find_and_replace write_to_file replace_in_file search_and_replace search_replace insert_content edit_notebook replace reapply insert_edit_into_file replace_string_in_file',
    ['write'],
    FILES,
  ),
  // What an agent says to its user, and notes for itself.
  ...each(
    'ask_followup_question attempt_completion plan_mode_respond act_mode_respond focus_chain condense summarize_task update_todo_list write_todos ask_user request_user_input update_topic complete_task finish request_condensation',
    ['read'],
    { command: 'command', path: 'path' },
  ),
  ...each('task_tracker', ['read'], { command: 'identifier' }),
  ...each('access_mcp_resource', ['read'], { server_name: 'identifier', uri: 'identifier' }, true),
  ...each('activate_skill use_skill new_task use_subagents spawn_agent spawn_subagent', ['execute'], {
    prompt: 'text',
    message: 'text',
  }),
]

/** Tools of browser-use, LangChain's community, AutoGen and CrewAI. */
const FRAMEWORKS: readonly (readonly [string, Tool])[] = [
  ...each(
    'fetch_url_content google_web_search navigate_browser requests_get visit_url go_to_url open_tab search_google duckduckgo_search duckduckgo_results_json tavily_search tavily_search_results_json tavily_answer bing_search bing_search_results_json brave_search google_search_results_json google_serper google_serper_results_json searx_search serper_scrape_website read_website_content wikipedia arxiv pub_med wolfram_alpha stack_exchange youtube_search reddit_search yahoo_finance_news open_weather_map',
    ['outward-read'],
    { ...QUERIES, website_url: 'url', search_query: 'query', search_term: 'query' },
    true,
  ),
  ...each('requests_post requests_put requests_patch', ['send'], { url: 'url', data: 'text', text: 'text' }),
  ...each('requests_delete', ['send', 'delete'], { url: 'url' }),
  ...each(
    'scroll scroll_down scroll_up find_text search_page find_elements get_dropdown_options dropdown_options extract_text extract_content extract_hyperlinks extract_structured_data get_elements current_webpage previous_webpage history_back page_up page_down find_on_page_ctrl_f find_next summarize_page answer_question',
    ['read'],
    QUERIES,
    true,
  ),
  ...each(
    'click_element click_element_by_index input_text send_keys upload_file select_dropdown select_dropdown_option browser_action',
    ['send'],
    { text: 'text', keys: 'text', path: 'path', url: 'url', action: 'identifier' },
  ),
  ...each(
    'python_repl python_repl_ast riza_exec_python riza_exec_javascript e2b_data_analysis',
    ['execute'],
    {
      query: 'code',
      code: 'code',
      python_code: 'code',
    },
  ),
  ...each('file_delete', ['delete'], FILES),
  ...each('file_writer_tool replace_file save_as_pdf', ['write'], { ...FILES, file_name: 'path' }),
  ...each('list_files_in_directory open_path', ['read'], FILES),
  ...each('sql_db_query query_sql_db', [], SQL),
  ...each('sql_db_schema sql_db_list_tables list_tables_sql_db schema_sql_db', ['read'], {
    table_names: 'identifier',
    tool_input: 'text',
  }),
  ...each('send_gmail_message schedule_message', ['send'], MESSAGES),
  ...each('create_gmail_draft create_email_draft send_event', ['write'], MESSAGES),
  ...each(
    'search_gmail get_gmail_message get_gmail_thread messages_search events_search get_messages get_channelid_name_dict',
    ['read'],
    MESSAGES,
    true,
  ),
]

export const AGENT_TOOLS: readonly (readonly [string, Tool])[] = [...CODING_AGENTS, ...FRAMEWORKS]
