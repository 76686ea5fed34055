/** A preload that throws in the first two workers that load it. The folder to count in comes with the URL. */
import { mkdirSync } from "node:fs"
import { isMainThread } from "node:worker_threads"

const folder = new URL(import.meta.url).searchParams.get("folder")

const isFirst = (name) => {
  try {
    mkdirSync(`${folder}/${name}`)
    return true
  } catch {
    return false
  }
}

if (!isMainThread && (isFirst("one") || isFirst("two"))) throw new Error("not yet")
