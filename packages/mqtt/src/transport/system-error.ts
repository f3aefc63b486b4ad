import { AuthenticationError, ConnectionError, MqttError } from '../model/errors.js'
import type { SystemError } from '../model/platform.js'

const TLS_CODE = 'ERR_SSL_'

/** An error in words of its own where the system's have to be explained; undefined where they do not. */
export function systemError(href: string, cause: SystemError): MqttError | undefined {
  // It says what it is: a proxy's refusal, say.
  if (cause instanceof MqttError) return cause
  const { code = '', message } = cause
  const lost = (fault: string): MqttError =>
    new ConnectionError('lost', `connection with ${href} failed: ${fault}`, { cause, retryable: true })
  if (code === 'ECONNREFUSED') return lost('nobody listens there')
  // Where several addresses failed, one of them speaks for all.
  if (message === '' && code !== '') return lost(code)
  return tlsError(href, cause)
}

/** All of these may pass: certificates are replaced, on either side, and clocks are set. */
function tlsError(href: string, cause: SystemError): MqttError | undefined {
  const { code = '', message } = cause
  const details = { cause, retryable: true }
  const reason = tlsReasonOf(cause)
  // The server's alert about our certificate first: codes of such alerts have the word in their names, too.
  if (reason !== undefined && /alert .*(certificate|unknown ca|access denied)/.test(reason)) {
    return new AuthenticationError(
      'client-certificate',
      `${href} does not accept our certificate, or wants one (${reason}); see the options tls.cert and tls.key`,
      details,
    )
  }
  if (/CERT|CRL|SELF_SIGNED|^UNABLE_TO_|ALTNAME|HOSTNAME|^INVALID_|PATH_LENGTH/.test(code)) {
    const clock = /EXPIRED|NOT_YET_VALID/.test(code) ? '; by the clock of this machine' : ''
    return new AuthenticationError('tls-verification', `${href} is not trusted: ${message}${clock}`, details)
  }
  if (reason === undefined) return undefined
  return new ConnectionError('tls-failed', `connection with ${href} failed: ${tlsFault(reason)}`, details)
}

/**
 * OpenSSL's own words. The code has them where there is one: BoringSSL (Bun) and rustls (Deno) put others into the
 * message. Whatever was being written when the handshake failed reports it as EPROTO, with nothing but OpenSSL's message.
 */
function tlsReasonOf({ code = '', message }: SystemError): string | undefined {
  if (code.startsWith(TLS_CODE)) return code.slice(TLS_CODE.length).toLowerCase().replaceAll('_', ' ')
  return code === 'EPROTO' ? /:SSL routines:[^:]*:([^:]+):/.exec(message)?.[1] : undefined
}

function tlsFault(reason: string): string {
  if (/protocol version|unsupported protocol|version too low/.test(reason)) {
    return 'the server offers no TLS 1.3, and nothing older is used'
  }
  if (reason === 'wrong version number') {
    return 'the server does not speak TLS there; is it the port of mqtt: or ws:?'
  }
  return `TLS: ${reason}`
}
