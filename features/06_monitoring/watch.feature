Feature: The hours after a release
  golive watch looks at alerts, errors, response times, restarts and logs, and compares with the
  hours before. Its record is beside the reports.

  @DEP-12 @only-deployed
  Scenario: The release was watched for a day
    Then the last watch of this environment was to last 24 h at least, and ended with GO
