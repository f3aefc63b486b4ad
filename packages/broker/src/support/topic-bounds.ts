/** Topics longer than this are looked at anew each time: what is remembered about them would have no bound in bytes. */
export const MAXIMUM_REMEMBERED_TOPIC = 256

export function countLevels(topic: string): number {
  let levels = 1
  for (let i = 0; i < topic.length; i++) if (topic.charCodeAt(i) === 0x2f) levels++
  return levels
}
