import type { IClock } from '../contracts/clock.ts'
import { P2PError } from '../contracts/errors.ts'
import type { WaitOptions } from '../contracts/wait.ts'
import { systemClock } from '../foundation/clock.ts'
import { withDeadline } from '../foundation/deadline.ts'
import { textOf } from '../foundation/error-text.ts'

export interface NodeRpcOptions {
  /**
   * `http://user:password@127.0.0.1:8332`, or with a path such as `/wallet/savings`. User and password in it are
   * percent-encoded where they need to be, and never appear in an error.
   */
  url: string
  /** `user:password`, asked for at each call where the URL has none: a node's cookie changes when it restarts (`readCookie`). */
  credentials?: (() => string | Promise<string>) | undefined
  /** For one call without a `timeoutMs` of its own. 30 s by default. */
  timeoutMs?: number | undefined
  clock?: IClock | undefined
  /** The platform's own by default. */
  fetch?: typeof fetch | undefined
}

/** The answers this house reads. A node's amounts are decimal bitcoin: ask for hex and decode it where a sum matters. */
export interface NodeRpcMethods {
  getblockchaininfo: { chain: string; blocks: number; bestblockhash: string; initialblockdownload: boolean }
  getblockcount: number
  getbestblockhash: string
  getblockhash: string
  getrawtransaction: string
  gettxout: NodeTxOut | null
  sendrawtransaction: string
  testmempoolaccept: { txid: string; allowed?: boolean; 'reject-reason'?: string }[]
  estimatesmartfee: { feerate?: number; errors?: string[]; blocks: number }
  getnewaddress: string
  generatetoaddress: string[]
  sendtoaddress: string
  createwallet: { name: string }
  stop: string
}

export interface NodeTxOut {
  bestblock: string
  confirmations: number
  /** Bitcoin, as a decimal number. */
  value: number
  scriptPubKey: { hex: string; type: string; address?: string }
  coinbase: boolean
}

const TIMEOUT_MS = 30_000
/** A block in hex is 8 MB at most; more than this is no answer of a node. */
export const ANSWER_BYTES_MAX = 16 * 1024 * 1024

/** What a node said when it refused: its own number and text, beside our stable code. */
export class NodeRpcError extends P2PError {
  /** The node's: -25 and -26 a transaction it will not take, -5 not found, -28 still starting, -32601 an unknown method. */
  readonly rpcCode: number

  constructor(method: string, rpcCode: number, text: string) {
    super('ERR_BITCOIN_NODE_REFUSED', `the bitcoin node refused ${method}: ${text} (${rpcCode})`)
    this.rpcCode = rpcCode
  }
}

/**
 * A Bitcoin node, asked over JSON-RPC. One call is one HTTP request; nothing is retried, for a node that did not answer may
 * have done what it was asked. Throws TypeError for a URL that is none.
 */
export class BitcoinNodeRpc {
  readonly #options: NodeRpcOptions
  readonly #url: string
  readonly #authorization: string | undefined
  #calls = 0

  constructor(options: NodeRpcOptions) {
    const url = new URL(options.url)
    if (url.protocol !== 'http:' && url.protocol !== 'https:') throw new TypeError(`a bitcoin node is asked by http: or https:, got ${url.protocol}`)
    this.#authorization = url.username === '' ? undefined : basic(`${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`)
    url.username = ''
    url.password = ''
    this.#url = url.href
    this.#options = options
  }

  /** Where it asks, without the credentials. */
  get url(): string {
    return this.#url
  }

  /** The same node by another path, such as `/wallet/savings`. */
  at(path: string): BitcoinNodeRpc {
    const url = new URL(path, this.#url).href
    const other = new BitcoinNodeRpc({ ...this.#options, url })
    return this.#authorization === undefined ? other : new BitcoinNodeRpc({ ...this.#options, url, credentials: () => atob(this.#authorization!.slice('Basic '.length)) })
  }

  /**
   * Rejects with `NodeRpcError` (`ERR_BITCOIN_NODE_REFUSED`) for what the node refuses, `ERR_BITCOIN_NODE_UNREACHABLE` where
   * nobody answers, `ERR_BITCOIN_NODE_BAD_ANSWER` for what is no answer, and a TimeoutError.
   */
  async call<M extends keyof NodeRpcMethods>(method: M, params?: readonly unknown[] | Readonly<Record<string, unknown>>, options?: WaitOptions): Promise<NodeRpcMethods[M]>
  async call<T = unknown>(method: string, params?: readonly unknown[] | Readonly<Record<string, unknown>>, options?: WaitOptions): Promise<T>
  async call(method: string, params: readonly unknown[] | Readonly<Record<string, unknown>> = [], options?: WaitOptions): Promise<unknown> {
    const { clock = systemClock, timeoutMs = TIMEOUT_MS } = this.#options
    const id = ++this.#calls
    return await withDeadline(clock, options, async signal => {
      const { status, text } = await this.#post(JSON.stringify({ jsonrpc: '1.0', id, method, params }), signal)
      return resultOf(method, id, status, text)
    }, { defaultTimeoutMs: timeoutMs, what: `${method} of the bitcoin node at ${this.#url}` })
  }

  async #post(body: string, signal: AbortSignal): Promise<{ status: number; text: string }> {
    const authorization = this.#authorization ?? await this.#asked()
    try {
      const response = await (this.#options.fetch ?? fetch)(this.#url, {
        method: 'POST', body, signal, redirect: 'error',
        headers: { 'content-type': 'application/json', ...(authorization === undefined ? {} : { authorization }) },
      })
      return { status: response.status, text: await boundedText(response) }
    } catch (error) {
      // Ours, and the caller's own reason, say more than "fetch failed".
      if (error instanceof P2PError) throw error
      signal.throwIfAborted()
      throw new P2PError('ERR_BITCOIN_NODE_UNREACHABLE', `no answer from a bitcoin node at ${this.#url}: ${textOf(error)}; is it running, with server=1?`, { cause: error })
    }
  }

  async #asked(): Promise<string | undefined> {
    const credentials = await this.#options.credentials?.()
    return credentials === undefined ? undefined : basic(credentials.trim())
  }
}

async function boundedText(response: Response): Promise<string> {
  if (response.body === null) return ''
  const decoder = new TextDecoder()
  let text = ''
  let bytes = 0
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    bytes += chunk.length
    if (bytes > ANSWER_BYTES_MAX) throw new P2PError('ERR_BITCOIN_NODE_BAD_ANSWER', `expected an answer of at most ${ANSWER_BYTES_MAX} bytes from the bitcoin node, and more came`)
    text += decoder.decode(chunk, { stream: true })
  }
  return text + decoder.decode()
}

function resultOf(method: string, id: number, status: number, text: string): unknown {
  if (status === 401 || status === 403) {
    throw new P2PError('ERR_BITCOIN_NODE_UNREACHABLE', `the bitcoin node does not know us (HTTP ${status}): give user and password in the URL, or the node's cookie`)
  }
  let answer: { result?: unknown; error?: { code?: unknown; message?: unknown } | null; id?: unknown }
  try {
    answer = JSON.parse(text) as typeof answer
  } catch (error) {
    throw new P2PError('ERR_BITCOIN_NODE_BAD_ANSWER', `expected JSON from the bitcoin node to ${method}, got HTTP ${status} and ${JSON.stringify(text.slice(0, 80))}`, { cause: error })
  }
  if (typeof answer !== 'object' || answer === null || answer.id !== id) throw new P2PError('ERR_BITCOIN_NODE_BAD_ANSWER', `expected the bitcoin node's answer to ${method} number ${id}, got another`)
  const { error } = answer
  if (error !== null && error !== undefined) throw new NodeRpcError(method, typeof error.code === 'number' ? error.code : 0, typeof error.message === 'string' ? error.message : 'without a reason')
  return answer.result
}

function basic(credentials: string): string {
  return `Basic ${btoa(credentials)}`
}
