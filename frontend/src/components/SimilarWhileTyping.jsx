// Loaded once the report form stands: it must not wait for this.
import { Similar, useSimilar } from './Similar'

/** @param {{of: {title: string, building: string, category: string}, onJoin: (id: number) => void, joining: number}} props */
export default function SimilarWhileTyping({ of, ...rest }) {
  return <Similar found={useSimilar(of)} {...rest} />
}
