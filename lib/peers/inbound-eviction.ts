import type { PeerId } from '../contracts/message.ts'

/** What is known of a peer that dialled us, when somebody has to go. Times are on the monotonic clock; undefined is never. */
export interface InboundPeer {
  id: PeerId
  /** Its /16 or /32: see `netgroupOf`. */
  group: string
  /** Its /24 or /48: see `subnetOf`. */
  subnet: string
  sinceMs: number
  /** The shortest round trip of a heartbeat. */
  roundTripMs: number | undefined
  /** When it last brought gossip that was new to us. */
  novelAtMs: number | undefined
  /** When it last gave an answer that was of use. */
  usefulAtMs: number | undefined
}

export interface InboundRules {
  /** Places for those who dial us. */
  inboundMax: number
  /** From one /24 or /48. */
  perSubnetMax: number
  /** The share of places kept for netgroups that nobody here is in. */
  rareShare: number
  /** A number that nobody else can foretell, the same for the same netgroup: which are protected is not for them to choose. */
  rankOf(group: string): number
}

export type InboundVerdict = { kind: 'admit' } | { kind: 'evict'; id: PeerId } | { kind: 'refuse'; why: 'subnet' | 'full' }

/** peers.md, per 80 inbound, after Bitcoin Core's SelectNodeToEvict: by netgroup, by round trip, by novel gossip, by useful answers. */
const PROTECTED = { group: 4, roundTrip: 8, novel: 4, useful: 4 }
const PROTECTED_OF = 80

/** Whether somebody who dials us is let in, and whom it replaces. Peers that are the user's own are not among `inbound`. */
export function judgeInbound(newcomer: Pick<InboundPeer, 'group' | 'subnet'>, inbound: readonly InboundPeer[], rules: InboundRules): InboundVerdict {
  if (inbound.filter(peer => peer.subnet === newcomer.subnet).length >= rules.perSubnetMax) return { kind: 'refuse', why: 'subnet' }
  const isRare = inbound.every(peer => peer.group !== newcomer.group)
  const places = isRare ? rules.inboundMax : Math.floor(rules.inboundMax * (1 - rules.rareShare))
  if (inbound.length < places) return { kind: 'admit' }
  const id = leastUseful(inbound, rules)
  return id === undefined ? { kind: 'refuse', why: 'full' } : { kind: 'evict', id }
}

/**
 * Whom to part with: not those who are hard to imitate, being near, useful, alone in their netgroup or, of the rest, the older half;
 * but the youngest of the most crowded netgroup. Undefined where all are protected.
 */
export function leastUseful(inbound: readonly InboundPeer[], { rankOf }: Pick<InboundRules, 'rankOf'>): PeerId | undefined {
  const share = (count: number): number => Math.max(1, Math.round(count * inbound.length / PROTECTED_OF))
  let rest = [...inbound]
  const protect = (count: number, isBetter: (a: InboundPeer, b: InboundPeer) => number, counts: (peer: InboundPeer) => boolean = () => true): void => {
    const safe = new Set(rest.filter(counts).sort(isBetter).slice(0, count))
    rest = rest.filter(peer => !safe.has(peer))
  }
  protectGroups()
  protect(share(PROTECTED.roundTrip), (a, b) => a.roundTripMs! - b.roundTripMs!, peer => peer.roundTripMs !== undefined)
  protect(share(PROTECTED.novel), (a, b) => b.novelAtMs! - a.novelAtMs!, peer => peer.novelAtMs !== undefined)
  protect(share(PROTECTED.useful), (a, b) => b.usefulAtMs! - a.usefulAtMs!, peer => peer.usefulAtMs !== undefined)
  protect(Math.floor(rest.length / 2), (a, b) => a.sinceMs - b.sinceMs)
  return youngestOfMostCrowded(rest)?.id

  /** One peer each of a few netgroups, by a rank that cannot be foretold: an attacker does not know in which to be. */
  function protectGroups(): void {
    const chosen = new Set([...new Set(rest.map(({ group }) => group))].sort((a, b) => rankOf(a) - rankOf(b)).slice(0, share(PROTECTED.group)))
    for (const group of chosen) protect(1, (a, b) => a.sinceMs - b.sinceMs, peer => peer.group === group)
  }
}

function youngestOfMostCrowded(peers: readonly InboundPeer[]): InboundPeer | undefined {
  const counts = new Map<string, number>()
  for (const { group } of peers) counts.set(group, (counts.get(group) ?? 0) + 1)
  const most = Math.max(0, ...counts.values())
  const crowded = peers.filter(({ group }) => counts.get(group) === most)
  return crowded.reduce<InboundPeer | undefined>((youngest, peer) => (youngest === undefined || peer.sinceMs > youngest.sinceMs ? peer : youngest), undefined)
}
