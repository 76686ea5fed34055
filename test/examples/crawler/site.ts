/** Web sites on local ports, each a function of the path, and what they were asked for. */
import * as Effect from "effect/Effect"
import type { Scope } from "effect/Scope"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"

export interface Answer {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

/** A page with links, and perhaps an address of its own. */
export const page = (links: ReadonlyArray<string>, canonical?: string): Answer => ({
  headers: { "content-type": "text/html; charset=utf-8" },
  body: `<html><head>${canonical === undefined ? "" : `<link rel="canonical" href="${canonical}">`}</head><body>${links
    .map((link) => `<a class="link" href="${link}">link</a>`)
    .join("\n")}</body></html>`
})

export const redirect = (to: string): Answer => ({ status: 302, headers: { location: to } })
export const nothing: Answer = { status: 404 }

export interface Site {
  readonly origin: string
  /** Paths in the order in which they were asked for, robots.txt left out. */
  readonly asked: Array<string>
}

/** A site that listens while the scope is open. `answer` is given the path, and how often it was asked for, this time included. */
export const site = (answer: (path: string, times: number) => Answer): Effect.Effect<Site, never, Scope> =>
  Effect.gen(function* () {
    const asked: Array<string> = []
    const times = new Map<string, number>()
    const server = createServer((request, response) => {
      const path = request.url ?? "/"
      times.set(path, (times.get(path) ?? 0) + 1)
      if (path !== "/robots.txt") asked.push(path)
      const { body = "", headers = {}, status = 200 } = answer(path, times.get(path) ?? 1)
      response.writeHead(status, headers).end(body)
    })
    yield* Effect.acquireRelease(
      Effect.callback<void>((resume) => void server.listen(0, "127.0.0.1", () => resume(Effect.void))),
      () =>
        Effect.callback<void>((resume) => {
          server.close(() => resume(Effect.void))
          server.closeAllConnections()
        })
    )
    return { asked, origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
  })
