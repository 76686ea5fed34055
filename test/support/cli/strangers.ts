/** Servers that are none of ours, or older than this version, and a port on which nobody listens. Boundary: no assertion. */
import { createServer, type RequestListener, type Server } from "node:http"
import type { AddressInfo } from "node:net"

const listening = (server: Server): Promise<number> =>
  new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port)))

const closed = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    server.closeAllConnections()
    server.close(() => resolve())
  })

/** An address at which nobody listens: that of a server that has just been closed. */
export const nobody = async (): Promise<string> => {
  const server = createServer()
  const port = await listening(server)
  await closed(server)
  return `http://127.0.0.1:${port}`
}

/** Runs a test with the address of a server that answers in its own way. */
export const withStranger = async (answer: RequestListener, use: (url: string) => Promise<void>): Promise<void> => {
  const server = createServer(answer)
  const port = await listening(server)
  try {
    await use(`http://127.0.0.1:${port}`)
  } finally {
    await closed(server)
  }
}

/**
 * Runs a test with the address of a server that passes on what another one answers as an older one would: an object that has one
 * of these fields lacks those beside it.
 */
export const withOlder = (
  server: string,
  lacks: Readonly<Record<string, ReadonlyArray<string>>>,
  use: (url: string) => Promise<void>
): Promise<void> => {
  const older = (_: string, value: unknown): unknown => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) return value
    const lacking = Object.entries(lacks).flatMap(([mark, names]) => (mark in value ? names : []))
    return Object.fromEntries(Object.entries(value).filter(([name]) => !lacking.includes(name)))
  }
  const passOn = async (...[{ method = "GET", url = "" }, response]: Parameters<RequestListener>): Promise<void> => {
    const answer = await fetch(server + url, { method })
    const text = JSON.stringify(await answer.json(), older)
    response.writeHead(answer.status, { "content-type": answer.headers.get("content-type") ?? "" }).end(text)
  }
  return withStranger((request, response) => void passOn(request, response), use)
}
