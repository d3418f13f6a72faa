import { createInterface } from 'node:readline/promises'
import { Room, shown } from './room.ts'

/** Talks at a terminal, until /quit or the end of input. */
export async function talk(name: string, roomName: string, members: readonly string[]): Promise<void> {
  await using room = new Room(name, roomName, members, line => {
    if (line.name !== name) console.log(shown(line))
  })
  const { id, address } = await room.open()
  console.log(`You are ${name} (${id.slice(0, 8)}) in '${roomName}'. Others join with:\n    npx tsx examples/05-gossip-chat.ts --name THEIRS --room ${roomName} '${address}#${id}'`)
  // Not before: what is typed while nobody listens is lost.
  const terminal = createInterface({ input: process.stdin, output: process.stdout, prompt: '' })
  console.log('Say something; /history, /who and /quit are known as well.')
  for await (const text of terminal) {
    if (text === '/quit') break
    if (text === '/history') for (const line of room.history) console.log(shown(line))
    else if (text === '/who') console.log(room.present.map(key => key.slice(0, 8)).join(', ') || 'nobody else yet')
    else if (text.trim() !== '') await room.say(text.trim()).catch((error: unknown) => console.log(String(error)))
  }
  terminal.close()
}
