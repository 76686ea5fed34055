/** A span of time in words, as the page and the sentences about jobs show it. Boundary: pure. */

/** A span of time: 0.4 ms, 12 ms, 3.4 s, 2 min 5 s, 3 h 20 min, 4 d 2 h. From a second on, it is cut as ages are. */
export const span = (ms: number): string => {
  if (ms < 1) return `${ms.toFixed(ms < 0.1 ? 2 : 1)} ms`
  if (ms < 999.5) return `${Math.round(ms)} ms`
  if (ms < 10_000) return `${(Math.floor(Math.max(ms, 1_000) / 100) / 10).toFixed(1)} s`
  if (ms < 60_000) return `${Math.floor(ms / 1_000)} s`
  const minutes = Math.floor(ms / 60_000)
  if (minutes < 60) return `${minutes} min ${Math.floor((ms % 60_000) / 1_000)} s`
  const hours = Math.floor(minutes / 60)
  return hours < 24 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`
}
