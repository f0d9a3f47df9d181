// Sending a report.
import { api, call } from './api'

/**
 * The one call that reports a problem. A guest's answer has no id.
 * @param {string} key @param {import('./api').Report} body @param {boolean} [quiet]
 * @returns {Promise<{id?: number}>}
 */
export async function post(key, body, quiet) {
  const answer = await call(() => api.POST('/api/tickets', { body, params: { header: { 'Idempotency-Key': key } } }), quiet)
  return 'id' in answer ? { id: answer.id } : {}
}
