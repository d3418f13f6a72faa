import type { IClock } from '../contracts/clock.ts'
import { P2PError } from '../contracts/errors.ts'
import type { WaitOptions } from '../contracts/wait.ts'
import { systemClock } from '../foundation/clock.ts'
import { withDeadline } from '../foundation/deadline.ts'
import { textOf } from '../foundation/error-text.ts'
import { fromHex, toHex } from '../foundation/hex.ts'
import type { ChainTip, IChainSource, TxOut } from './chain-source.ts'

export interface EsploraOptions {
  /** Such as `https://example.org/api`: what stands before `/tx/...`. */
  url: string
  /** For one call without a `timeoutMs` of its own. 30 s by default. */
  timeoutMs?: number | undefined
  clock?: IClock | undefined
  /** The platform's own by default. */
  fetch?: typeof fetch | undefined
}

interface EsploraStatus { confirmed: boolean; block_height?: number }
interface EsploraTx {
  vin: { txid?: string; vout?: number; is_coinbase?: boolean }[]
  vout: { value: number; scriptpubkey: string }[]
  status: EsploraStatus
}

const TIMEOUT_MS = 30_000
const ANSWER_BYTES_MAX = 16 * 1024 * 1024
const NOT_FOUND = 404

/**
 * The chain as an Esplora-style HTTP API tells it. Its keeper learns which coins are asked about, and from where: use your own, or
 * go through Tor. Throws TypeError for a URL that is none.
 */
export class EsploraChainSource implements IChainSource {
  readonly #options: EsploraOptions
  readonly #base: string

  constructor(options: EsploraOptions) {
    const url = new URL(options.url)
    if (url.protocol !== 'http:' && url.protocol !== 'https:') throw new TypeError(`an Esplora API is asked by http: or https:, got ${url.protocol}`)
    this.#base = url.href.replace(/\/$/, '')
    this.#options = options
  }

  async getTxOut(txid: string, vout: number, options?: WaitOptions): Promise<TxOut | null> {
    const transaction = await this.#json<EsploraTx>(`/tx/${hexOf(txid)}`, options)
    const output = transaction?.vout?.[vout]
    if (transaction === null || output === undefined) return null
    const spent = await this.#json<{ spent: boolean }>(`/tx/${txid}/outspend/${vout}`, options)
    if (spent === null || spent.spent !== false) return null
    if (!Number.isSafeInteger(output.value) || output.value < 0) throw this.#bad(`an amount in sats of ${txid}:${vout}`)
    return {
      amount: BigInt(output.value), script: fromHex(output.scriptpubkey), coinbase: transaction.vin[0]?.is_coinbase === true,
      confirmations: await this.#depth(transaction.status, options),
    }
  }

  async broadcast(transaction: Uint8Array, options?: WaitOptions): Promise<string> {
    const { status, text } = await this.#ask('/tx', options, toHex(transaction))
    if (status === 200 && /^[0-9a-f]{64}$/.test(text.trim())) return text.trim()
    throw new P2PError('ERR_CHAIN_REJECTED', `the API does not take the transaction: HTTP ${status} ${JSON.stringify(text.slice(0, 200))}`)
  }

  async tip(options?: WaitOptions): Promise<ChainTip> {
    const height = await this.#text('/blocks/tip/height', options)
    const hash = await this.#text('/blocks/tip/hash', options)
    if (!/^\d{1,9}$/.test(height ?? '') || !/^[0-9a-f]{64}$/.test(hash ?? '')) throw this.#bad('the height and hash of the tip')
    return { height: Number(height), hash: hash! }
  }

  async confirmationsOf(txid: string, options?: WaitOptions): Promise<number | null> {
    const transaction = await this.#json<EsploraTx>(`/tx/${hexOf(txid)}`, options)
    return transaction && await this.#depth(transaction.status, options)
  }

  async spentBy(txid: string, options?: WaitOptions): Promise<readonly string[] | null> {
    const transaction = await this.#json<EsploraTx>(`/tx/${hexOf(txid)}`, options)
    return transaction && transaction.vin.flatMap(({ txid: spent, vout, is_coinbase }) => spent === undefined || is_coinbase ? [] : [`${spent}:${vout}`])
  }

  async #depth(status: EsploraStatus, options?: WaitOptions): Promise<number> {
    if (!status.confirmed) return 0
    const { height } = await this.tip(options)
    if (!Number.isSafeInteger(status.block_height)) throw this.#bad('the height of a confirmed transaction')
    return Math.max(1, height - status.block_height! + 1)
  }

  async #json<T>(path: string, options?: WaitOptions): Promise<T | null> {
    const text = await this.#text(path, options)
    if (text === null) return null
    try {
      const value = JSON.parse(text) as T
      if (typeof value === 'object' && value !== null) return value
    } catch {
      // Said below.
    }
    throw this.#bad(`JSON from ${path}`)
  }

  async #text(path: string, options?: WaitOptions): Promise<string | null> {
    const { status, text } = await this.#ask(path, options)
    if (status === NOT_FOUND) return null
    if (status !== 200) throw new P2PError('ERR_CHAIN_UNREACHABLE', `the API at ${this.#base} answered HTTP ${status} to ${path}`)
    return text.trim()
  }

  async #ask(path: string, options: WaitOptions | undefined, body?: string): Promise<{ status: number; text: string }> {
    const { clock = systemClock, timeoutMs = TIMEOUT_MS } = this.#options
    return await withDeadline(clock, options, async signal => {
      try {
        const response = await (this.#options.fetch ?? fetch)(this.#base + path, { signal, redirect: 'error', ...(body === undefined ? {} : { method: 'POST', body }) })
        return { status: response.status, text: await this.#bounded(response) }
      } catch (error) {
        if (error instanceof P2PError) throw error
        signal.throwIfAborted()
        throw new P2PError('ERR_CHAIN_UNREACHABLE', `no answer from the API at ${this.#base}: ${textOf(error)}`, { cause: error })
      }
    }, { defaultTimeoutMs: timeoutMs, what: `${path} of the API at ${this.#base}` })
  }

  async #bounded(response: Response): Promise<string> {
    const decoder = new TextDecoder()
    let text = ''
    let bytes = 0
    for await (const chunk of (response.body ?? []) as unknown as AsyncIterable<Uint8Array>) {
      if ((bytes += chunk.length) > ANSWER_BYTES_MAX) throw this.#bad(`at most ${ANSWER_BYTES_MAX} bytes`)
      text += decoder.decode(chunk, { stream: true })
    }
    return text + decoder.decode()
  }

  #bad(wanted: string): P2PError {
    return new P2PError('ERR_CHAIN_UNREACHABLE', `expected ${wanted} from the API at ${this.#base}, got something else`)
  }
}

/** A txid goes into a path: nothing but digits may. */
function hexOf(txid: string): string {
  if (!/^[0-9a-f]{64}$/.test(txid)) throw new RangeError(`a txid is 64 hex digits, got ${JSON.stringify(txid)}`)
  return txid
}
