/* {"kind": "rule", "context": {"riskAssessment": {"assessments": {"NewDevice": {"confidence": "low"}}}},
    "expect": {"context": {"multifactor": {"provider": "any", "allowRememberBrowser": true}}}} */
function (user, context, callback) {
  const risk = context.riskAssessment;
  const newDevice = risk && risk.assessments && risk.assessments.NewDevice;
  if (newDevice && ['low', 'medium'].includes(newDevice.confidence)) {
    context.multifactor = { provider: 'any', allowRememberBrowser: true };
  }
  callback(null, user, context);
}
