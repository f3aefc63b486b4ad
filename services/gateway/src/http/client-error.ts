import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { systemClock } from '@jamey/bus'
import { PROBLEM_CONTENT_TYPE, Problem } from '../problems/problem.js'

/** Time for the answer to be read. */
const FAREWELL_MS = 1_000

/** Answers bytes that are no readable request, for which there is no request object to answer through. */
export function answerUnreadable(error: NodeJS.ErrnoException, socket: Socket): void {
  // A peer whose handshake failed could read nothing that is written.
  const isOfTls =
    socket instanceof TLSSocket && !error.code?.startsWith('HPE_') && !error.code?.startsWith('ERR_HTTP_')
  if (error.code === 'ECONNRESET' || !socket.writable || isOfTls) {
    socket.destroy()
    return
  }
  const problem = unreadable(error.code)
  const body = JSON.stringify(problem.body)
  socket.end(
    `HTTP/1.1 ${problem.status} ${problem.body.title}\r\n` +
      `content-type: ${PROBLEM_CONTENT_TYPE}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n` +
      `connection: close\r\n\r\n${body}`,
  )
  // A peer that does not hang up, too, would keep its half of the connection open for good.
  const timer = systemClock.setTimeout(() => socket.destroy(), FAREWELL_MS)
  socket.once('close', () => systemClock.clearTimeout(timer))
}

function unreadable(code: string | undefined): Problem {
  if (code === 'HPE_HEADER_OVERFLOW')
    return new Problem('headers-too-large', 'The headers are longer than 32 KiB.')
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return new Problem('request-incomplete', 'The request was not complete in time.')
  }
  return new Problem('invalid-request', 'The bytes received are not an HTTP/1.1 request.')
}
