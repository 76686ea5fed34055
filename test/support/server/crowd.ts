/**
 * Many viewers of one job's events, each with its own bad habits. They come back for as long as the job has not ended,
 * whatever the server goes through meanwhile.
 *
 * Boundary: reads server-sent events from plain sockets, so that a viewer that stalls does; what is wrong is a list of
 * sentences.
 */
import { request } from "node:http"

export interface Crowd {
  readonly complaints: ReadonlyArray<string>
  /** The events that each viewer ended with, by their numbers, from 1. */
  readonly lists: ReadonlyArray<ReadonlyArray<string>>
  /** Visits of all viewers together. */
  readonly visits: number
}

/** Visits after which a viewer stays, so that a large crowd comes to an end. */
const patience = 8

/** The habits of viewers besides reading on. */
const habits = ["stays", "stalls", "vanishes", "goes back", "looks ahead"] as const

interface Visit {
  /** The number that it says it has seen last. */
  readonly from: number
  /** Called with each event; true to go away. */
  readonly see: (seq: number, text: string) => boolean
  /** Reads nothing for so many milliseconds after the first piece. */
  readonly stallsMs: number
}

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** One connection, to its end. Gives the status; 0 if there was nobody. */
const visit = (url: string, { from, see, stallsMs }: Visit): Promise<number> =>
  new Promise((resolve) => {
    const headers: Record<string, string> = from === 0 ? {} : { "last-event-id": String(from) }
    const asked = request(url, { agent: false, headers }, (response) => {
      const status = response.statusCode ?? 0
      let text = ""
      let hasStalled = stallsMs === 0
      response.setEncoding("utf8").on("data", (chunk: string) => {
        text += chunk
        const blocks = text.split("\n\n")
        text = blocks.pop() ?? ""
        for (const block of blocks) {
          const [, id] = /^id: (\d+)$/m.exec(block) ?? []
          if (id !== undefined && see(Number(id), block)) {
            asked.destroy()
            return
          }
        }
        if (hasStalled) return
        hasStalled = true
        response.pause()
        setTimeout(() => response.resume(), stallsMs)
      })
      response.on("error", () => undefined)
      response.on("close", () => resolve(status))
    })
    asked.on("error", () => resolve(0))
    asked.end()
  })

/** Follows a job until all viewers have seen it end. `url`: of its events. */
export const gather = async (url: string, count: number): Promise<Crowd> => {
  const complaints: Array<string> = []
  let visits = 0
  /** The same text is kept once, however many have seen it. */
  const texts = new Map<string, string>()

  const viewer = async (number: number): Promise<ReadonlyArray<string>> => {
    const habit = habits[number % habits.length]
    const seen: Array<string> = []
    const complain = (what: string): void => void complaints.push(`viewer ${number}, who ${habit}: ${what}`)
    const hasEnded = (): boolean => seen.at(-1)?.includes("\nevent: JobHalted\n") === true
    /** Takes an event in that is the next, or compares it with what is known. */
    const take = (seq: number, block: string): void => {
      if (block.includes("\nevent: Missed\n")) complain(`has missed something: ${block}`)
      const text = texts.get(block) ?? block
      texts.set(text, text)
      if (seq <= seen.length) {
        if (seen[seq - 1] !== text) complain(`was told something else the second time: ${text}`)
      } else if (seq === seen.length + 1) seen.push(text)
      else complain(`was sent ${seq} after ${seen.length}`)
    }
    for (let turn = 0; !hasEnded() && complaints.length < 20; turn++) {
      visits++
      const last = seen.length
      const isOdd = turn % 2 === 1
      let left = 5 + ((number + turn) % 40)
      const ahead = last + 10 + (number % 50)
      const isAhead = habit === "looks ahead" && isOdd && last > 0 && turn < patience
      const from = isAhead ? ahead : habit === "goes back" ? Math.max(0, last - 1 - (number % 30)) : last
      let next = from + 1
      const status = await visit(url, {
        from,
        stallsMs: habit === "stalls" ? 100 + (number % 400) : 0,
        see: (seq, block) => {
          if (seq !== next++) complain(`was sent ${seq} instead of ${next - 1} after ${from}`)
          if (isAhead) return true
          take(seq, block)
          left--
          return turn < patience && habit !== "stays" && habit !== "stalls" && left <= 0 && !hasEnded()
        }
      })
      if (status === 204 && !isAhead) complain(`was told that nothing follows ${last}`)
      if (status !== 0 && status !== 200 && status !== 204) complain(`was answered with ${status}`)
      if (!hasEnded()) await wait(status === 200 ? (number * 7) % 50 : 100)
    }
    return seen
  }

  const lists = await Promise.all(Array.from({ length: count }, (_, number) => viewer(number)))
  return { complaints, lists, visits }
}
