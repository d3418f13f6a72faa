import type { DhtParameters } from './parameters.ts'
import type { PeerInfo } from '../../contracts/peer.ts'
import type { Place } from './netgroup.ts'
import type { Hasher, Positions } from './position.ts'

export interface DhtOptions {
  parameters?: Partial<DhtParameters>
  /**
   * Whether others may ask this node and store here. `auto`: on a private network and while it knows few others at once; else after 20
   * minutes, if it listens. A client announces and finds like anybody.
   */
  mode?: 'auto' | 'server' | 'client'
  /** The network somebody comes from, where an operator knows more than addresses say: its autonomous system, for one. */
  placeOf?: (peer: PeerInfo) => Place
  /** SHA-256; JavaScript's by default, Node's where this comes from `index.node.ts`. */
  hasher?: Hasher
  /** Positions by id. Nodes of one process may share what they have computed. */
  positions?: Positions
}

export interface DhtStats {
  /** Live things known here: held for others, and our own. */
  readonly totalAnnouncements: number
  /** Of our own. */
  readonly announced: number
  /** Copies held, one for each key they lie under, and their bytes. */
  readonly records: number
  readonly bytes: number
  readonly keys: number
  /** Nodes that can be asked, and those that wait for room in the table. */
  readonly contacts: number
  readonly waiting: number
  /** How many nodes there seem to be. */
  readonly nodesEstimate: number
  readonly serves: boolean
  /** What was done, refused or dropped, by reason. */
  readonly counters: Readonly<Record<string, number>>
}
