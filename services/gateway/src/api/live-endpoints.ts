/** The endpoints for pages in browsers: sessions, and events as they happen. */
export const SESSION_PATH = '/v1/session'
export const EVENTS_PATH = '/v1/events'

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
] as const
