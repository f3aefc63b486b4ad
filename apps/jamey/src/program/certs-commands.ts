import type { Command } from 'commander'
import type { Run } from '../terminal/command-context.js'
import { collect, parseDurationMs, parsePort } from './arguments.js'

/** `certs` and what keeps certificates: `init`, `issue`, `renew`, `revoke`, `rotate-ca`. */
export function addCertsCommands(program: Command, run: Run): void {
  const certs = program
    .command('certs')
    .description('list the certificates and when they end, or issue, renew and revoke them')
    .option('--json', 'print one JSON object per certificate')
    .option(...FOLDER)
    .action((options) =>
      run(async (context) => (await import('../commands/certs.js')).certs(context, options)),
    )
  certs
    .command('list')
    .description('the same as without a word')
    .action((_: object, command: Command) =>
      run(async (context) =>
        (await import('../commands/certs.js')).certs(context, command.optsWithGlobals()),
      ),
    )
  addIssuing(certs, run)
  addKeeping(certs, run)
  addAcme(certs, run)
}

function addIssuing(certs: Command, run: Run): void {
  certs
    .command('init')
    .description('make an authority, and the certificates and secrets that a system needs')
    .option('--host <name>', 'a host name or address of the broker; may be given several times', collect)
    .option('--json', 'print what was made as JSON')
    .option('--data-dir <folder>', 'the folder to make (default: .jamey)')
    .addHelpText('after', INIT_HELP)
    .action((_: object, command: Command) =>
      run(async (context) =>
        (await import('../commands/certs-keeping.js')).init(context, command.optsWithGlobals()),
      ),
    )
  certs
    .command('issue')
    .description('issue a client certificate, or one for the broker with further hosts')
    .argument('[client id]', 'the client it is for; its files bear this name, too')
    .option('--server', 'the certificate of the broker, for what it has and every --host')
    .option('--host <name>', 'a host name or address of the broker; may be given several times', collect)
    .option('--json', 'print the paths as JSON')
    .option('--data-dir <folder>', 'the folder whose authority signs it, instead of the nearest .jamey')
    .addHelpText('after', ISSUE_HELP)
    // Options that `certs` knows, too, are handed to that.
    .action((name: string | undefined, _: object, command: Command) =>
      run(async (context) =>
        (await import('../commands/certs.js')).issue(context, name, command.optsWithGlobals()),
      ),
    )
}

function addKeeping(certs: Command, run: Run): void {
  const keeping = () => import('../commands/certs-keeping.js')
  certs
    .command('renew')
    .description('issue again what ends soon, for a timer')
    .argument('[names...]', 'of files: server or a client (default: all)')
    .option('--within <time>', 'what ends sooner than this (default: 30d)', parseDurationMs)
    .option('--json', 'print what was written as JSON')
    .option(...FOLDER)
    .addHelpText('after', RENEW_HELP)
    .action((names: string[], _: object, command: Command) =>
      run(async (context) => (await keeping()).renew(context, names, command.optsWithGlobals())),
    )
  certs
    .command('revoke')
    .description('revoke a certificate, and sign the list of those that are')
    .argument('<name>', 'of its files, or a certificate file')
    .option('--reason <reason>', 'such as keyCompromise, superseded, cessationOfOperation')
    .option('--json', 'print what was done as JSON')
    .option(...FOLDER)
    .addHelpText('after', REVOKE_HELP)
    .action((name: string, _: object, command: Command) =>
      run(async (context) => (await keeping()).revoke(context, name, command.optsWithGlobals())),
    )
  certs
    .command('rotate-ca')
    .description('replace the authority in three steps, in which nobody is refused')
    .option('--switch', 'the second: the next authority signs')
    .option('--finish', 'the third: the former is trusted no more')
    .option('--json', 'print what was written as JSON')
    .option(...FOLDER)
    .addHelpText('after', ROTATE_HELP)
    .action((_: object, command: Command) =>
      run(async (context) => (await keeping()).rotateCa(context, command.optsWithGlobals())),
    )
}

function addAcme(certs: Command, run: Run): void {
  certs
    .command('acme')
    .description('have a certificate of a public authority for HTTPS or the broker, or renew it')
    .argument('<hosts...>', 'the names it is for')
    .requiredOption('--directory <url>', 'the directory of the ACME server, https://')
    .option('--agree-terms', 'agree to its terms of service')
    .option('--email <address>', 'whom it may write to')
    .option('--address <address>', 'where challenges are answered (HTTP-01)', '0.0.0.0')
    .option('--port <n>', 'the port of that, to which port 80 of each host leads', parsePort, 80)
    .option('--within <time>', 'renew what ends sooner than this (default: 30d)', parseDurationMs)
    .option('--ca <file>', 'who signed the certificate of the ACME server (default: those Node knows)')
    .option('--json', 'print the paths as JSON')
    .option(...FOLDER)
    .addHelpText('after', ACME_HELP)
    .action((hosts: string[], _: object, command: Command) =>
      run(async (context) =>
        (await import('../commands/certs-acme.js')).acme(context, hosts, command.optsWithGlobals()),
      ),
    )
}

const ACME_HELP = `
The files are acme/public.crt and acme/public.key in the folder; the key stays.
Run it daily: what is good for longer stays, and nobody is asked. Gateway and
broker that run with these files use new ones by themselves.`

const FOLDER = ['--data-dir <folder>', 'the folder to look in, instead of the nearest .jamey'] as const

const INIT_HELP = `
Makes what is missing and keeps what is there: an authority (ten years), the
broker's certificate for this machine and every --host, one certificate per
component (a year), and the token secret. Keys are EC P-256, mode 0600.`

const ISSUE_HELP = `
The files are written into the folder's certs, keys with mode 0600. What is good
for more than 30 days stays as it is; remove both files to have a new key. With
--server, a --data-dir that is not there is made with all that a system needs.`

const RENEW_HELP = `
Keys stay. Broker, gateway and parts that run with these files use the new ones
by themselves. Where nothing ends soon nothing is done, and ca.key is not needed.
Exit code 1: something could not be renewed, and everything else was.`

const REVOKE_HELP = `
Writes crl.pem of the folder, signed by its authority, and moves the files of a
client to certs/revoked; what the system itself needs is issued anew with a new
key. The deny list is another: it needs no authority, and takes tokens, too.`

const ROTATE_HELP = `
Without an option the next authority is made and put into ca.crt beside the
present one. When every machine has that file, --switch has the next one sign,
and issues everything in the folder again. When that is where it is used,
--finish takes the former out of ca.crt.`
