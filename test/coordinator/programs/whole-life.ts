// A node's whole life over real sockets; what is left of it is printed, and then the process has to end by itself.
import { P2PCoordinator } from '../../../lib/index.ts'

const alice = new P2PCoordinator({ peerId: 'alice' })
const bob = new P2PCoordinator({ peerId: 'bob' })
const unused = new P2PCoordinator({ peerId: 'unused' })
const { address } = await bob.listen('ws://127.0.0.1:0')
await alice.connectToPeer(`${address}#${bob.id}`)
const heard = new Promise(resolve => bob.on('message', resolve))
await alice.sendTo(bob.id, { type: 'n', payload: 1 })
await heard
const asking = alice.request(bob.id, { type: 'never answered', payload: null }).catch((error: { code: string }) => error.code)
await Promise.all([alice.shutdown(), bob.shutdown(), unused.shutdown()])
// The platform strikes a closed server off its list some turns later.
for (let turn = 0; turn < 50 && left().length > 0; turn++) await new Promise(resolve => setImmediate(resolve))
console.log(JSON.stringify({ asking: await asking, left: left() }))

/** Timers, sockets and servers; pipes are those of stdout and of the loader. */
function left(): string[] {
  return process.getActiveResourcesInfo().filter(name => /Timeout|TCP|TLS|Immediate|MessagePort|Worker/.test(name))
}
