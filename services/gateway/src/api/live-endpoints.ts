/** The endpoints for pages in browsers: sessions, events as they happen, and messages of a caller's own. */
export const SESSION_PATH = '/v1/session'
export const EVENTS_PATH = '/v1/events'
export const MESSAGES_PATH = '/v1/messages/*'
export const REQUESTS_PATH = '/v1/requests/*'

export const LIVE_ENDPOINTS = [
  {
    method: 'POST',
    path: SESSION_PATH,
    summary: 'Begin a session of a browser, by a token: a cookie takes its place.',
  },
  { method: 'GET', path: SESSION_PATH, summary: 'Who calls, and what that one may do.' },
  { method: 'DELETE', path: SESSION_PATH, summary: 'End the session.' },
  {
    method: 'GET',
    path: EVENTS_PATH,
    summary: 'Messages as they happen, as server-sent events; ?filter= says which, and may be repeated.',
  },
  { method: 'POST', path: MESSAGES_PATH, summary: 'Publish a message to a topic, on behalf of the caller.' },
  {
    method: 'POST',
    path: REQUESTS_PATH,
    summary: 'Ask whoever serves a topic, on behalf of the caller, and get the answer.',
  },
] as const
