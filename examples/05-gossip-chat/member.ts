import { Room, shown } from './room.ts'

export type Order = { say: string } | { tell: 'address' | 'history' | 'present' } | { leave: true }

/** One member of the scripted room, in a process of its own: says what it is told to, and tells what it knows. */
export function member(name: string, roomName: string, members: readonly string[]): void {
  const room = new Room(name, roomName, members, line => {
    if (line.name !== name) console.log(`${name.padEnd(6)}| ${shown(line)}`)
  })
  const opened = room.open()
  process.on('message', (order: Order) => void obey(order).then(answer => {
    process.send?.(answer)
    if ('leave' in order) process.disconnect()
  }))
  // Whoever gave the orders has gone.
  process.on('disconnect', () => void room[Symbol.asyncDispose]())

  async function obey(order: Order): Promise<unknown> {
    const { address } = await opened
    if ('say' in order) return await room.say(order.say).then(() => null)
    if ('leave' in order) return await room[Symbol.asyncDispose]().then(() => null)
    return { address, history: room.history, present: room.present.length }[order.tell]
  }
}
