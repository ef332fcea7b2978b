// Words of warehouses and networks about conditions that pass by themselves.
const passing = [
  /connection (?:was |has been )?(?:reset|refused|aborted|closed|timed out|already closed|lost)/i,
  /(?:could not|unable to|failed to) (?:connect|establish a? ?connection)/i,
  /server closed the connection|SSL SYSCALL|broken pipe|reset by peer|remote end closed/i,
  // In quotes it is the name of a column.
  /(?<!["'`])\btime(?:d)?[- ]?out\b(?!["'`])/i,
  /temporarily|temporary (?:failure|error|problem)|try again|retrying may|retry (?:the )?(?:query|transaction|statement)/i,
  /deadlock|lock (?:wait )?timeout|could not serialize|serialization failure|serializable isolation/i,
  /Concurrent(?:Append|DeleteRead|DeleteDelete|Transaction|Write)Exception|concurrent (?:update|write)|aborted due to concurrent/i,
  /too many (?:connections|requests|concurrent)|rate ?limit|quota exceeded|rateLimitExceeded/i,
  /service ?(?:is )?unavailable|internal ?(?:server ?)?error|bad ?gateway|backend ?error/i,
  // A number alone counts rows.
  /\b(?:HTTP|status|(?:HTTP|status|response|error)[ -]code)[ :=]{1,3}50[234]\b|\bHTTP\/[\d.]+ 50[234]\b/i,
  /\berror 50[234]\b|\b50[234] (?:(?:server )?error|GET|POST)\b/i,
  /(?:warehouse|cluster|endpoint) (?:is |was )?(?:suspended|starting|stopped|terminated|not ready)/i,
] as const;

/** Whether the message of a failed node tells of something that another run may not meet. */
export function isPassing(message: string): boolean {
  return passing.some((pattern) => pattern.test(message));
}
