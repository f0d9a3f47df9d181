// A guest logs in: what they typed and what waits to be sent is theirs from now on, and no guest's after them.
import { nowIs } from './api'
import { forget, keep, kept, namesOf } from './kept'
import { PREFIX } from './outbox'

/** @param {import('./api').Me} me */
export async function handOver(me) {
  const names = (await namesOf('')).filter((name) => name === 'report' || name.startsWith(PREFIX))
  const found = await Promise.all(names.map(kept))
  await Promise.all(names.map(forget))
  nowIs(me)
  for (const [index, name] of names.entries()) {
    const one = found[index]
    if (await kept(name)) continue
    // an address is what guests give, and the staff
    const { email: _, name: __, ...body } = one.body ?? {}
    await keep(name, one.body ? { ...one, body } : one)
  }
}
