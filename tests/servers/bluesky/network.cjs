// A network of Bluesky on this machine, from its own packages: a directory of accounts (PLC), a server where accounts live (PDS),
// and the service that shows posts (AppView), which needs PostgreSQL and Redis. A second server of accounts has limits, as those on
// the internet have.
//
// It says where they are as a line of JSON. To each line that it is sent it answers once all that was written is shown; and it ends
// with its standard input. Run where @atproto/dev-env is installed (NODE_PATH), with DB_POSTGRES_URL and REDIS_HOST.
'use strict'

console.log = console.error // what the packages say is not for whoever reads our answers
const { createInterface } = require('node:readline')
const { TestNetwork, TestNetworkNoAppView } = require('@atproto/dev-env')

const say = (words) => process.stdout.write(JSON.stringify(words) + '\n')

async function main() {
  const network = await TestNetwork.create({ dbPostgresSchema: 'tocsin', pds: { hostname: 'localhost' } })
  const limited = await TestNetworkNoAppView.create({ pds: { hostname: 'localhost', rateLimitsEnabled: true } })
  say({ pds: network.pds.url, limited: limited.pds.url })
  for await (const _ of createInterface({ input: process.stdin })) {
    await network.processAll()
    say('settled')
  }
  await Promise.allSettled([network.close(), limited.close()])
}

main().then(
  () => process.exit(0),
  (error) => {
    console.error(error)
    process.exit(1)
  },
)
