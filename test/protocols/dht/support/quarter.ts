import type { P2PConfig } from '../../../../lib/coordinator/config.ts'
import { Dht, type DhtOptions } from '../../../../lib/protocols/dht/index.node.ts'
import { loadPayloadChecker } from '../../../../lib/protocol-kit/payload-check.ts'
import { meet, Town, type Resident } from '../../../support/town.ts'
import { settle } from '../../../support/until.ts'

/** A coordinator with a DHT. */
export interface Member extends Resident {
  readonly dht: Dht
}

/** Whole coordinators with a DHT, on a clock that the test moves. */
export class Quarter implements AsyncDisposable {
  readonly town = new Town()

  async member(name: string, options: DhtOptions = {}, config: P2PConfig = {}): Promise<Member> {
    // Loading takes real time, which a settled test does not give it.
    await loadPayloadChecker()
    const dht = new Dht(options)
    const resident = await this.town.resident(name, config)
    resident.node.registerProtocol(dht)
    return { ...resident, dht }
  }

  /** So many, each linked with the one before, and time enough to find each other. */
  async members(count: number, options: DhtOptions = {}): Promise<Member[]> {
    const members: Member[] = []
    for (let index = 0; index < count; index++) {
      members.push(await this.member(`node-${index}`, options))
      if (index > 0) await this.link(members[index]!, members[index - 1]!)
    }
    await this.pass(8_000)
    return members
  }

  async link(a: Resident, b: Resident): Promise<void> {
    await meet(a, b)
    await settle(10)
  }

  /** Lets so much time pass, and everything happen that happens in it. */
  async pass(ms: number, stepMs = 250): Promise<void> {
    for (let passed = 0; passed < ms; passed += stepMs) {
      this.town.clock.advance(Math.min(stepMs, ms - passed))
      await settle(12)
    }
  }

  /** Moves the clock until a promise settles: what waits for time gets it. */
  async drive<T>(promise: Promise<T>, withinMs = 60_000): Promise<T> {
    let isSettled = false
    const done = (): void => void (isSettled = true)
    promise.then(done, done)
    await settle(20)
    for (let passed = 0; !isSettled; passed += 50) {
      if (passed > withinMs) throw new Error(`did not settle within ${withinMs} ms`)
      this.town.clock.advance(50)
      await settle(12)
    }
    return await promise
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.town[Symbol.asyncDispose]()
  }
}

/** What a promise rejects with, whatever it is. */
export async function failure(promise: Promise<unknown>): Promise<Error & { code?: string }> {
  try {
    await promise
  } catch (error) {
    return error as Error
  }
  throw new Error('expected it to reject')
}
