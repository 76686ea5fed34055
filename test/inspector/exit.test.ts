/** A publishing process ends when its own work does (src/inspector/relaySocket.ts, unrefClock.ts). */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { spawn } from "node:child_process"
import { fileURLToPath } from "node:url"
import { freePort, hasEnded, ownRelay, silentServer, statelyRelay, takeUntil, viewer } from "./relay.ts"

const script = new URL("publishAndEnd.ts", import.meta.url)

interface Ended {
  readonly code: number | null
  readonly output: string
  /** From the end of the program's own work to the end of its process. */
  readonly lingeredMs: number
}

/** Gives `relay.test` two addresses, of which only the second is one that test relays listen on. */
const twoAddresses = `
  import dns from "node:dns"
  import { syncBuiltinESMExports } from "node:module"
  const { lookup } = dns
  dns.lookup = (name, options, done) =>
    name === "relay.test"
      ? done(null, [{ address: "::1", family: 6 }, { address: "127.0.0.1", family: 4 }])
      : lookup(name, options, done)
  syncBuiltinESMExports()
`

const run = (url: string, ending: "close" | "leave") =>
  Effect.callback<Ended>((resume) => {
    const preload = `data:text/javascript,${encodeURIComponent(twoAddresses)}`
    const child = spawn(process.execPath, ["--import", preload, fileURLToPath(script), url, ending], {
      stdio: ["ignore", "pipe", "inherit"]
    })
    let output = ""
    let doneAt = 0
    child.stdout.on("data", (data: Buffer) => {
      output += data.toString()
      doneAt = performance.now()
    })
    child.on("close", (code) => resume(Effect.succeed({ code, output, lingeredMs: performance.now() - doneAt })))
    return Effect.sync(() => void child.kill("SIGKILL"))
  }).pipe(Effect.timeout("10 seconds"))

const expectPrompt = ({ code, output, lingeredMs }: Ended): void => {
  expect({ code, output }).toStrictEqual({ code: 0, output: "done\n" })
  expect(lingeredMs).toBeLessThan(1_000)
}

describe("a process that publishes", () => {
  for (const ending of ["close", "leave"] as const) {
    const scope = ending === "close" ? "whose scope is closed" : "whose scope is never closed"

    it.live(`and ${scope} ends by itself while the relay goes on, with everything sent`, () =>
      Effect.gen(function* () {
        const url = yield* statelyRelay
        const messages = yield* viewer(url)
        expectPrompt(yield* run(url, ending))
        expect((yield* takeUntil(messages, hasEnded)).length).toBe(5)
      }).pipe(Effect.scoped)
    )

    it.live(`and ${scope} ends by itself when no relay listens`, () =>
      Effect.gen(function* () {
        expectPrompt(yield* run(`ws://relay.test:${yield* freePort}`, ending))
      }).pipe(Effect.scoped)
    )

    it.live(`and ${scope} ends by itself when the relay does not answer the handshake`, () =>
      Effect.gen(function* () {
        expectPrompt(yield* run((yield* silentServer).url, ending))
      }).pipe(Effect.scoped)
    )

    it.live(`and ${scope} ends by itself when only the second address of the relay's name answered`, () =>
      Effect.gen(function* () {
        const port = yield* freePort
        const relay = yield* ownRelay(port)
        expectPrompt(yield* run(`ws://relay.test:${port}`, ending))
        expect((yield* takeUntil(relay.messages, hasEnded)).length).toBe(5)
      }).pipe(Effect.scoped)
    )
  }
})
