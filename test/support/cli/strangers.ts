/** Servers that are none of ours, and a port on which nobody listens. Boundary: no assertion. */
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
