/* {"kind": "post-login", "event": {"authentication": {"riskAssessment": {"assessments": {"NewDevice": {"confidence": "medium"}}}}, "user": {"multifactor": ["guardian"]}},
    "expect": {"commands": [{"type": "multifactor.enable", "provider": "any"}]}} */
exports.onExecutePostLogin = async (event, api) => {
  const confidence = event.authentication?.riskAssessment?.assessments?.NewDevice?.confidence;
  if (['low', 'medium'].includes(confidence) && event.user.multifactor?.length > 0) {
    api.multifactor.enable('any', { allowRememberBrowser: true });
  }
};
