import type { PubSubItem } from '../../../../lib/contracts/pubsub.ts'
import { Gossip, type GossipOptions } from '../../../../lib/protocols/gossip/index.node.ts'
import { loadPayloadChecker } from '../../../../lib/protocol-kit/payload-check.ts'
import { meet, Town, type Resident } from '../../../support/town.ts'
import { settle } from '../../../support/until.ts'

/** A coordinator with gossip, and what it heard. */
export interface Member extends Resident {
  name: string
  gossip: Gossip
  heard: { payload: unknown; item: PubSubItem }[]
}

/** Whole coordinators that gossip, on a clock that the test moves. */
export class Club implements AsyncDisposable {
  readonly town = new Town()

  /** One that listens to `topic`, or to nothing. */
  async member(name: string, options: GossipOptions = {}, topic: string | null = 'news'): Promise<Member> {
    // Loading takes real time, which a settled test does not give it.
    await loadPayloadChecker()
    const gossip = new Gossip(options)
    const heard: Member['heard'] = []
    const resident = await this.town.resident(name)
    resident.node.registerProtocol(gossip)
    if (topic !== null) resident.node.subscribe(topic, (payload, item) => void heard.push({ payload, item }))
    return { ...resident, name, gossip, heard }
  }

  async members(count: number, options: GossipOptions = {}): Promise<Member[]> {
    const members: Member[] = []
    for (let index = 0; index < count; index++) members.push(await this.member(`node-${index}`, options))
    return members
  }

  /** Links and lets gossip greet. */
  async link(...pairs: readonly (readonly [Member, Member])[]): Promise<void> {
    for (const [a, b] of pairs) await meet(a, b)
    await settle()
  }

  async line(members: readonly Member[]): Promise<void> {
    await this.link(...members.slice(1).map((member, index) => [members[index]!, member] as const))
  }

  /** Lets so much time pass, and everything happen that happens in it. */
  async pass(ms: number, stepMs = 100): Promise<void> {
    for (let passed = 0; passed < ms; passed += stepMs) {
      this.town.clock.advance(stepMs)
      await settle(12)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.town[Symbol.asyncDispose]()
  }
}

export function payloadsOf(member: Member): unknown[] {
  return member.heard.map(({ payload }) => payload)
}
