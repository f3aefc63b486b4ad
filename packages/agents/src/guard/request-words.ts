import type { CallJudge } from '../model/call-judge.js'

/** Sessions of which it is remembered what was told; of others it is told again, which changes nothing. */
const MAXIMUM_SESSIONS = 1_000

/** Of one message, as its contract has it. */
const MAXIMUM_CHARACTERS = 100_000

const byJudge = new WeakMap<CallJudge, Map<string, Set<string>>>()

/**
 * Tells a session the user's own words, each text once, in the order of the conversation. Rejects where the session
 * could not be told: without them, or with half of them, a verdict would be about another request.
 */
export async function tellRequest(
  judge: CallJudge,
  sessionId: string,
  texts: readonly string[],
): Promise<void> {
  const told = toldTo(judge, sessionId)
  for (const said of texts) {
    // The rest is told to nobody, so what stands there alone vouches for nothing.
    const text = said.slice(0, MAXIMUM_CHARACTERS)
    if (text === '' || told.has(text)) continue
    await judge.report({ session_id: sessionId, kind: 'request', text })
    told.add(text)
  }
}

function toldTo(judge: CallJudge, sessionId: string): Set<string> {
  const sessions = byJudge.get(judge) ?? new Map<string, Set<string>>()
  byJudge.set(judge, sessions)
  const told = sessions.get(sessionId) ?? new Set<string>()
  // The one that was used last is forgotten last.
  sessions.delete(sessionId)
  sessions.set(sessionId, told)
  for (const key of sessions.keys()) {
    if (sessions.size <= MAXIMUM_SESSIONS) break
    sessions.delete(key)
  }
  return told
}
