import { IncomingMessage, type OutgoingHttpHeaders, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import helmet from 'helmet'

/** The headers that every answer has, whatever it is; the same for all of them, so they are found out once. */
export function securityHeaders(): OutgoingHttpHeaders {
  const response = new ServerResponse(new IncomingMessage(new Socket()))
  const write = helmet({
    // Nothing here is a page; and a server that speaks plain HTTP has no business to demand HTTPS.
    contentSecurityPolicy: {
      useDefaults: false,
      directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
    },
    strictTransportSecurity: false,
  })
  write(response.req, response, (error) => {
    if (error !== undefined) throw error
  })
  return response.getHeaders()
}
