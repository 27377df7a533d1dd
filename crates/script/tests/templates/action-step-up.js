/* {"kind": "post-login", "event": {"transaction": {"acr_values": ["http://schemas.openid.net/pape/policies/2007/06/multi-factor"]},
      "user": {"enrolledFactors": [{"type": "otp"}]}},
    "expect": {"commands": [{"type": "authentication.challengeWith", "factors": [{"type": "otp"}]}], "ended": "early"}} */
exports.onExecutePostLogin = async (event, api) => {
  const wanted = 'http://schemas.openid.net/pape/policies/2007/06/multi-factor';
  const done = event.authentication?.methods?.some((method) => method.name === 'mfa');
  if (event.transaction?.acr_values.includes(wanted) && !done) {
    if (event.user.enrolledFactors.some((factor) => factor.type === 'otp')) {
      api.authentication.challengeWith({ type: 'otp' });
    } else {
      api.authentication.enrollWith({ type: 'otp' });
    }
  }
};
