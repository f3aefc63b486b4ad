import type { DataDirectory } from '../install/data-directory.js'
import type { CommandContext } from '../terminal/command-context.js'
import type { Finding } from './finding.js'

/**
 * The doctor's findings that can be made in a process that serves: nothing is connected to, and no file is opened that
 * this process, or another one, has open. The checks are loaded only then.
 */
export async function findingsBeside(
  context: CommandContext,
  directory: DataDirectory | undefined,
  storePath: string | undefined,
): Promise<Finding[]> {
  const [
    { checkCertificates, checkDirectory, checkNode },
    { checkSpace },
    { checkOwnCertificate, checkVariables },
  ] = await Promise.all([
    import('./health-checks.js'),
    import('./data-checks.js'),
    import('./settings-checks.js'),
  ])
  const { cwd, now } = context
  const folders = [directory?.data, storePath].filter((path) => path !== undefined)
  return [
    checkNode(process.version),
    ...checkVariables(context),
    ...checkOwnCertificate(context, now()),
    ...(directory === undefined ? [] : await checkDirectory(directory, cwd)),
    ...(directory === undefined ? [] : checkCertificates(directory, now(), cwd)),
    ...(await checkSpace(folders, cwd)),
  ]
}
