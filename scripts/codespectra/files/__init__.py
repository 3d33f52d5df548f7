"""Files that are whole or absent: written under a temporary name, and compared with their digest
before they are believed.
"""
