import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { hostOf, isLocalHost, isLocalIp, isLoopback, netgroupOf, schemeOf, subnetOf } from '../../lib/peers/network-address.ts'

const test = suite('network addresses')

test('the host of a URL, without port, brackets, path or fragment', () => {
  const cases: [string, string][] = [
    ['ws://127.0.0.1:80', '127.0.0.1'], ['wss://example.org/path', 'example.org'], ['ws://[::1]:80/', '::1'], ['ws://[2001:db8::1]', '2001:db8::1'],
    ['ws://host#ab', 'host'], ['ws://host?x', 'host'], ['memory:alice', ''], ['memory://alice', 'alice'], ['nonsense', ''], ['', ''],
  ]
  for (const [address, host] of cases) assert.is(hostOf(address), host, address)
  assert.equal(['WS://a', 'memory:a', 'x+y.z-1:', '1x:', 'none', ''].map(schemeOf), ['ws:', 'memory:', 'x+y.z-1:', '', '', ''])
})

test('loopback is this machine, or this process, and nothing that looks like it', () => {
  for (const address of ['ws://127.0.0.1:1', 'ws://127.9.8.7', 'ws://localhost:1', 'ws://LOCALHOST', 'ws://[::1]:1', 'ws://[::ffff:127.0.0.1]:1', 'memory:alice', 'memory://alice']) assert.ok(isLoopback(address), address)
  for (const address of ['ws://0.0.0.0:1', 'ws://[::]:1', 'ws://192.168.1.1', 'ws://127.0.0.1.example.org', 'ws://localhost.example.org', 'ws://example.org', 'ws://1270.0.0.1', '']) assert.not.ok(isLoopback(address), address)
})

test('a subnet is the /24 of an IPv4 address, the /48 of an IPv6 one, else the host', () => {
  const cases: [string, string][] = [
    ['ws://203.0.113.7:99', '203.0.113.0/24'], ['ws://[::ffff:203.0.113.7]:99', '203.0.113.0/24'], ['ws://[2001:db8:1:2:3:4:5:6]:99', '2001:db8:1::/48'], ['ws://[2001:db8::6]', '2001:db8:0::/48'],
    ['ws://[2001:0DB8:0001::6]', '2001:db8:1::/48'], ['ws://[::1]', '0:0:0::/48'], ['ws://[fe80::1%eth0]', 'fe80:0:0::/48'], ['ws://example.org', 'example.org'], ['memory:alice', ''],
  ]
  for (const [address, subnet] of cases) assert.is(subnetOf(address), subnet, address)
})

test('what no stranger should have us dial: hosts that mean something else, or nothing, to everybody who hears of them', () => {
  const local = [
    'ws://127.0.0.1', 'ws://localhost', 'ws://a.localhost', 'ws://10.1.2.3', 'ws://172.16.0.1', 'ws://172.31.255.1', 'ws://192.168.0.1', 'ws://169.254.169.254', 'ws://100.64.0.1', 'ws://0.0.0.0',
    'ws://224.0.0.1', 'ws://255.255.255.255', 'ws://[::1]', 'ws://[::]', 'ws://[fe80::1]', 'ws://[fd12::1]', 'ws://[fc00::1]', 'ws://[::ffff:10.0.0.1]', 'ws://[::ffff:7f00:1]',
    // As the platform reads them, these are 127.0.0.1.
    'ws://2130706433', 'ws://0x7f.1', 'ws://0177.0.0.1', 'ws://127.1', 'ws://127.0.0.1.', 'ws://%31%32%37.0.0.1',
    'ws://router', 'ws://printer.local', 'ws://db.internal', 'ws://nas.home.arpa', 'memory:alice', 'nonsense', 'ws://',
  ]
  for (const address of local) assert.ok(isLocalHost(address), address)
  const open = ['ws://203.0.113.7', 'ws://8.8.8.8:80', 'ws://172.32.0.1', 'ws://172.15.0.1', 'ws://100.128.0.1', 'ws://192.169.0.1', 'wss://example.org', 'ws://[2001:db8::1]', 'ws://local.example.org', 'ws://[::ffff:8.8.8.8]']
  for (const address of open) assert.not.ok(isLocalHost(address), address)
})

test('addresses that travel inside others are judged by what is inside', () => {
  for (const address of ['ws://[::10.0.0.1]', 'ws://[64:ff9b::127.0.0.1]', 'ws://[2002:7f00:1::5]', 'ws://[2002:c0a8:101::1]', 'ws://[fec0::1]', 'ws://[ff02::1]']) assert.ok(isLocalHost(address), address)
  for (const address of ['ws://[64:ff9b::8.8.8.8]', 'ws://[2002:808:808::1]']) assert.not.ok(isLocalHost(address), address)
})

test('an address as a resolver gives it is judged as one in a URL', () => {
  for (const ip of ['127.0.0.1', '10.0.0.1', '169.254.169.254', '::1', 'fe80::1%eth0', '::ffff:192.168.1.1', 'fd00::1']) assert.ok(isLocalIp(ip), ip)
  for (const ip of ['203.0.113.7', '2001:db8::1', '::ffff:8.8.8.8']) assert.not.ok(isLocalIp(ip), ip)
})

test('a netgroup is the /16 of an IPv4 address, the /32 of an IPv6 one, the end of a name; what is local stands for itself', () => {
  const cases: [string, string][] = [
    ['ws://203.0.113.7:99', '203.0.0.0/16'], ['wss://0xcb.0.113.7', '203.0.0.0/16'], ['ws://[::ffff:203.0.113.7]:99', '203.0.0.0/16'], ['ws://[2002:cb00:7107::1]', '203.0.0.0/16'],
    ['ws://[2001:db8:1:2::6]:99', '2001:db8::/32'], ['wss://a.b.example.org/x', 'example.org'], ['wss://example.org', 'example.org'], ['ws://EXAMPLE.org:80', 'example.org'],
    ['ws://10.0.0.1:5', 'ws://10.0.0.1:5'], ['memory:alice', 'memory:alice'], ['ws://127.0.0.1:8080', 'ws://127.0.0.1:8080'],
  ]
  for (const [address, group] of cases) assert.is(netgroupOf(address), group, address)
})

test.run()
