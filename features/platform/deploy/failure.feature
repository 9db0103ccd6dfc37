@only-replica @permit-restart @ahead
Feature: A deployment that fails changes nothing
  deploy.sh on the drill's server, on which v1.1.0 runs (see release.feature): in each scenario
  something else is wrong. Where nginx is out of reach v1.0.0 runs, in the slot that a first
  deployment takes.

  Scenario Outline: It fails: <what is wrong>
    Given a deployment in which this is wrong: <what is wrong>
    Then the script says that it failed
    And the release from before answers, with the same files and the same processes
    And none of 10 requests or more was lost

    @DEP-16
    Examples:
      | what is wrong                      |
      | another environment                |
      | no environment                     |
      | staging, on a server of production |

    @DEP-18
    Examples:
      | what is wrong        |
      | no tag               |
      | a tag that was moved |

    @DEP-19
    Examples:
      | what is wrong              |
      | nginx is out of reach      |
      | fetch                      |
      | checkout                   |
      | a checkout changed by hand |
      | npm ci                     |
      | build                      |

    # Each stops late, after half a deployment.
    @DEP-19 @slow
    Examples:
      | what is wrong |
      | copy          |
      | reload        |

    @DEP-21
    Examples:
      | what is wrong       |
      | no environment file |

    @DEP-08
    Examples:
      | what is wrong |
      | no snapshot   |

    @DEP-22
    Examples:
      | what is wrong |
      | it is unwell  |

    @DEP-22 @slow
    Examples:
      | what is wrong |
      | it crashes    |

  @DEP-16
  Scenario: It says how it is used
    Given a deployment in which this is wrong: another environment
    Then the script says "Usage:"

  @DEP-19
  Scenario: Of several at once, the first goes on
    Given another deployment, and a rollback, are begun while v1.1.0 is deployed
    Then each of the two others says that it failed
    And the script says that it succeeded
