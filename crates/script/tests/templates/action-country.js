/* {"kind": "post-login", "secrets": {"NAMESPACE": "https://example.com"}, "event": {"request": {"geoip": {"countryName": "Japan", "timeZone": "Asia/Tokyo"}}},
    "expect": {"commands": [{"type": "idToken.setCustomClaim", "name": "https://example.com/country", "value": "Japan"},
                            {"type": "idToken.setCustomClaim", "name": "https://example.com/timezone", "value": "Asia/Tokyo"}]}} */
exports.onExecutePostLogin = async (event, api) => {
  let namespace = event.secrets.NAMESPACE || '';
  if (namespace && !namespace.endsWith('/')) namespace += '/';
  const geo = event.request.geoip;
  if (geo) {
    api.idToken.setCustomClaim(namespace + 'country', geo.countryName);
    api.idToken.setCustomClaim(namespace + 'timezone', geo.timeZone);
  }
};
