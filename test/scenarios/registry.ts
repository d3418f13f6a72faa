import type { Registry } from '../bench/command.ts'
import { dhtScenario } from '../protocols/dht/scenario/task.ts'
import { gossipScenario } from '../protocols/gossip/scenario/task.ts'
import { musig2Scenario } from '../protocols/musig2/scenario/task.ts'
import { peersScenario } from '../security/scenario-peers.ts'
import { corridorScenario } from '../simulation/corridor.ts'
import { coinjoin } from './coinjoin.ts'
import { hostile } from './hostile.ts'

/**
 * Every scenario that `npm run scenario -- NAME` knows: the bars of the design at full size. A scenario is a `Task`
 * that measures when it is run; whether a row holds is computed there, never written down here.
 */
export const scenarios: Registry = { hostile, dht: dhtScenario, corridor: corridorScenario(), gossip: gossipScenario, musig2: musig2Scenario, coinjoin, peers: peersScenario }
