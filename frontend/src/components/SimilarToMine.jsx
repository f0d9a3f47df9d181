// Beside one's own ticket: others like it, which may be further on.
import { Similar, useSimilar } from './Similar'

/** @param {{ticket: import('../api').Ticket}} props */
export default function SimilarToMine({ ticket: { id, title, building, category } }) {
  const found = useSimilar({ title, building: building?.slug ?? '', category: category.slug, except: id })
  return <Similar found={found} heading="Others reported something like this" />
}
