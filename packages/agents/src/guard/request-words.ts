import { REQUEST_CHARACTERS } from '@jamey/contracts'
import type { CallJudge } from '../model/call-judge.js'
import { forgetOldest } from './bounded-map.js'

/** Sessions of which it is remembered what was told; of others it is told again, which changes nothing. */
const MAXIMUM_SESSIONS = 1_000

/** Texts that a session was told, or is being told just now. */
type Told = Map<string, Promise<void>>

const byJudge = new WeakMap<CallJudge, Map<string, Told>>()

/**
 * Tells a session the user's own words, each text once, in the order of the conversation, also where several calls of one
 * turn come with them at once. Rejects where the session could not be told: without them, or with half of them, a verdict
 * would be about another request.
 */
export async function tellRequest(
  judge: CallJudge,
  sessionId: string,
  texts: readonly string[],
): Promise<void> {
  const told = toldTo(judge, sessionId)
  for (const said of texts) {
    // The rest is told to nobody, so what stands there alone vouches for nothing.
    const text = said.slice(0, REQUEST_CHARACTERS)
    if (text === '') continue
    const telling = told.get(text) ?? judge.report({ session_id: sessionId, kind: 'request', text })
    told.set(text, telling)
    try {
      await telling
    } catch (error) {
      if (told.get(text) === telling) told.delete(text)
      throw error
    }
  }
}

function toldTo(judge: CallJudge, sessionId: string): Told {
  const sessions = byJudge.get(judge) ?? new Map<string, Told>()
  byJudge.set(judge, sessions)
  const told: Told = sessions.get(sessionId) ?? new Map()
  // The one that was used last is forgotten last.
  sessions.delete(sessionId)
  sessions.set(sessionId, told)
  forgetOldest(sessions, MAXIMUM_SESSIONS)
  return told
}
