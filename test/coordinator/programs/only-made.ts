// A coordinator that was only made owns nothing that keeps a process alive.
import { P2PCoordinator } from '../../../lib/index.ts'

const coordinator = new P2PCoordinator({ peerId: 'alice' })
console.log(coordinator.peerId)
