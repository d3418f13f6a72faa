import type { Registry } from './command.ts'
import { coinjoin } from './coinjoin.ts'
import { dht } from './dht.ts'
import { direct } from './direct.ts'
import { gossip } from './gossip.ts'
import { musig2 } from './musig2.ts'

/** Every benchmark that `npm run bench -- NAME` knows. */
export const benchmarks: Registry = { coinjoin, dht, direct, gossip, musig2 }
