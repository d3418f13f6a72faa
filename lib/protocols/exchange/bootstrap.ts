/** One of the addresses a node starts from. */
export interface BootstrapPeer {
  /** What `bootstrap` in a coordinator's configuration takes: `ws://host:port`, with `#id` where the key is pinned. */
  readonly url: string
  /** What seed 001 calls NS, Gateway, VP or a type of your own; only for people to read. */
  readonly nodeType?: string
}

/** Entries in one list. */
const ENTRIES_MAX = 64
const ENTRY_CHARS_MAX = 300
const NODE_TYPE = /^[A-Za-z][A-Za-z0-9_-]{0,31}$/
/** An IPv6 address stands in brackets, as in a URL. */
const HOST_PORT_TYPE = /^(\[[0-9a-f:.]+\]|[^:/\s[\]]+):(\d{1,5})(?::([^:]*))?$/i
const URL_WITH_KEY = /^([a-z][a-z0-9+.-]*:\/\/[^\s,#]+)(?:#([0-9a-f]{64}))?$/

/**
 * Reads `BOOTSTRAP_PEERS` as seed 001 writes it, `host:port:nodeType,host:port:nodeType`, and URLs, `wss://host:port#id`, in any mixture,
 * separated by commas or white space. The type may be left out. It reads the text it is given; who asks the environment is the program.
 * Throws RangeError that names the entry and what was expected.
 */
export function parseBootstrap(text: string | undefined): BootstrapPeer[] {
  if (text === undefined) return []
  if (typeof text !== 'string') throw new TypeError(`expected the text of BOOTSTRAP_PEERS, got ${typeof text}`)
  const entries = text.split(/[\s,]+/).filter(entry => entry !== '')
  if (entries.length > ENTRIES_MAX) throw new RangeError(`at most ${ENTRIES_MAX} bootstrap peers are heeded, got ${entries.length}`)
  const peers = new Map<string, BootstrapPeer>()
  for (const entry of entries) {
    const peer = parseEntry(entry)
    if (!peers.has(peer.url)) peers.set(peer.url, peer)
  }
  return [...peers.values()]
}

function parseEntry(entry: string): BootstrapPeer {
  if (entry.length > ENTRY_CHARS_MAX) throw wrong(entry.slice(0, 40), `more than ${ENTRY_CHARS_MAX} characters`)
  return entry.includes('://') ? fromUrl(entry) : fromHostAndPort(entry)
}

function fromUrl(entry: string): BootstrapPeer {
  if (!URL_WITH_KEY.test(entry)) throw wrong(entry, 'after # an id of 64 lower-case hex digits is expected')
  if (!URL.canParse(entry)) throw wrong(entry, 'it is no URL')
  return { url: entry }
}

function fromHostAndPort(entry: string): BootstrapPeer {
  const [, host, port, nodeType] = HOST_PORT_TYPE.exec(entry) ?? []
  if (host === undefined || port === undefined) throw wrong(entry, 'it has no host and port')
  if (Number(port) < 1 || Number(port) > 65_535) throw wrong(entry, 'a port is a number from 1 to 65535')
  if (nodeType !== undefined && !NODE_TYPE.test(nodeType)) throw wrong(entry, 'a node type is up to 32 letters and digits, such as NS')
  const url = `ws://${host}:${port}`
  if (!URL.canParse(url)) throw wrong(entry, 'it has no host that a URL could name')
  return nodeType === undefined ? { url } : { url, nodeType }
}

function wrong(entry: string, why: string): RangeError {
  return new RangeError(`bootstrap peer ${JSON.stringify(entry)}: ${why}; expected host:port:nodeType or a URL such as ws://host:port#id`)
}
