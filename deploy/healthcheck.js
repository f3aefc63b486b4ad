// Asks the process of this container how it is: healthcheck.js [/healthz|/readyz]. Exit code 0: as it should be.
import { get } from 'node:http'

const path = process.argv[2] ?? '/healthz'
const port = process.env['JAMEY_METRICS_PORT'] ?? '9464'
get({ host: '127.0.0.1', port, path, timeout: 4000 }, (response) => {
  response.resume()
  process.exit(response.statusCode === 200 ? 0 : 1)
})
  .on('timeout', () => process.exit(1))
  .on('error', () => process.exit(1))
