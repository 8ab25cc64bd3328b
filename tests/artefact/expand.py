"""Run by the Python of aws-sam-cli: templates as CloudFormation gets them from SAM, JSON to JSON.

In: a list of {"template": YAML text, "parameters": {...}}. Out: a list of templates.
samtranslator is what AWS itself runs for `Transform: AWS::Serverless-2016-10-31`.
"""

import json
import sys

import boto3
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse

session = boto3.session.Session(region_name="us-west-2")
expanded = [
    Translator({}, Parser(), boto_session=session).translate(
        yaml_parse(asked["template"]), asked["parameters"]
    )
    for asked in json.load(sys.stdin)
]
json.dump(expanded, sys.stdout)
