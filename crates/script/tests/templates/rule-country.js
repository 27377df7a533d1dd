/* {"kind": "rule", "context": {"request": {"geoip": {"country_name": "Australia", "time_zone": "Australia/Sydney"}}},
    "expect": {"context": {"idToken": {"https://example.com/country": "Australia", "https://example.com/zone": "Australia/Sydney"}}}} */
function (user, context, callback) {
  const geo = context.request.geoip;
  if (geo) {
    context.idToken['https://example.com/country'] = geo.country_name;
    context.idToken['https://example.com/zone'] = geo.time_zone;
  }
  callback(null, user, context);
}
