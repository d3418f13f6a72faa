// Alice announces a resource
await coordinator.announceResource(
  'coinjoin-round',
  'round-xyz',
  {
    denomination: 100000000, // 1.0 XPI
    minParticipants: 5,
    status: 'waiting',
  },
  { ttl: 1800 }, // 30 minutes
)

// Bob discovers available rounds
const rounds = await coordinator.discoverResources('coinjoin-round', {
  status: 'waiting',
})

console.log('Available rounds:', rounds)
